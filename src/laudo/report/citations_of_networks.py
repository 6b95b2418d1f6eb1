"""Who is to be cited for networks that others have drawn."""

from __future__ import annotations

BIBTEX_OF_NETWORKS: dict[str, str] = {
    "he2016b": """@inproceedings{he2016b,
  author    = {He, Kaiming and Zhang, Xiangyu and Ren, Shaoqing and Sun, Jian},
  title     = {Identity Mappings in Deep Residual Networks},
  booktitle = {European Conference on Computer Vision},
  pages     = {630--645},
  year      = {2016},
  doi       = {10.1007/978-3-319-46493-0_38}
}""",
    "zagoruyko2016": """@inproceedings{zagoruyko2016,
  author    = {Zagoruyko, Sergey and Komodakis, Nikos},
  title     = {Wide Residual Networks},
  booktitle = {Proceedings of the British Machine Vision Conference},
  year      = {2016}
}""",
    "szegedy2016": """@inproceedings{szegedy2016,
  author    = {Szegedy, Christian and Vanhoucke, Vincent and Ioffe, Sergey and Shlens, Jon and Wojna, Zbigniew},
  title     = {Rethinking the {Inception} Architecture for Computer Vision},
  booktitle = {Proceedings of the IEEE Conference on Computer Vision and Pattern Recognition},
  pages     = {2818--2826},
  year      = {2016}
}""",
    "xie2017": """@inproceedings{xie2017,
  author    = {Xie, Saining and Girshick, Ross and Doll{\\'a}r, Piotr and Tu, Zhuowen and He, Kaiming},
  title     = {Aggregated Residual Transformations for Deep Neural Networks},
  booktitle = {Proceedings of the IEEE Conference on Computer Vision and Pattern Recognition},
  pages     = {1492--1500},
  year      = {2017}
}""",
    "huang2017": """@inproceedings{huang2017,
  author    = {Huang, Gao and Liu, Zhuang and van der Maaten, Laurens and Weinberger, Kilian Q.},
  title     = {Densely Connected Convolutional Networks},
  booktitle = {Proceedings of the IEEE Conference on Computer Vision and Pattern Recognition},
  pages     = {4700--4708},
  year      = {2017}
}""",
    "chollet2017": """@inproceedings{chollet2017,
  author    = {Chollet, Fran{\\c{c}}ois},
  title     = {{Xception}: Deep Learning with Depthwise Separable Convolutions},
  booktitle = {Proceedings of the IEEE Conference on Computer Vision and Pattern Recognition},
  pages     = {1251--1258},
  year      = {2017}
}""",
    "howard2019": """@inproceedings{howard2019,
  author    = {Howard, Andrew and Sandler, Mark and Chu, Grace and Chen, Liang-Chieh and others},
  title     = {Searching for {MobileNetV3}},
  booktitle = {Proceedings of the IEEE/CVF International Conference on Computer Vision},
  pages     = {1314--1324},
  year      = {2019}
}""",
    "radosavovic2020": """@inproceedings{radosavovic2020,
  author    = {Radosavovic, Ilija and Kosaraju, Raj Prateek and Girshick, Ross and He, Kaiming and Doll{\\'a}r, Piotr},
  title     = {Designing Network Design Spaces},
  booktitle = {Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition},
  pages     = {10428--10436},
  year      = {2020}
}""",
    "dosovitskiy2021": """@inproceedings{dosovitskiy2021,
  author    = {Dosovitskiy, Alexey and Beyer, Lucas and Kolesnikov, Alexander and Weissenborn, Dirk and others},
  title     = {An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale},
  booktitle = {International Conference on Learning Representations},
  year      = {2021}
}""",
    "liu2021": """@inproceedings{liu2021,
  author    = {Liu, Ze and Lin, Yutong and Cao, Yue and Hu, Han and others},
  title     = {{Swin} Transformer: Hierarchical Vision Transformer using Shifted Windows},
  booktitle = {Proceedings of the IEEE/CVF International Conference on Computer Vision},
  pages     = {10012--10022},
  year      = {2021}
}""",
    "tan2021": """@inproceedings{tan2021,
  author    = {Tan, Mingxing and Le, Quoc V.},
  title     = {{EfficientNetV2}: Smaller Models and Faster Training},
  booktitle = {Proceedings of the 38th International Conference on Machine Learning},
  pages     = {10096--10106},
  year      = {2021}
}""",
    "touvron2021": """@inproceedings{touvron2021,
  author    = {Touvron, Hugo and Cord, Matthieu and Douze, Matthijs and Massa, Francisco and others},
  title     = {Training data-efficient image transformers {\\&} distillation through attention},
  booktitle = {Proceedings of the 38th International Conference on Machine Learning},
  pages     = {10347--10357},
  year      = {2021}
}""",
    "liu2022": """@inproceedings{liu2022,
  author    = {Liu, Zhuang and Mao, Hanzi and Wu, Chao-Yuan and Feichtenhofer, Christoph and Darrell, Trevor and Xie, Saining},
  title     = {A {ConvNet} for the 2020s},
  booktitle = {Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition},
  pages     = {11976--11986},
  year      = {2022}
}""",
}
