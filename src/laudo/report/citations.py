"""Who is to be cited for what a run used, as BibTeX."""

from __future__ import annotations

from laudo.core.recipe import Recipe

BIBTEX: dict[str, str] = {
    "chakrabarty2019": """@misc{chakrabarty2019,
  author = {Chakrabarty, Navoneel},
  title  = {Brain {MRI} Images for Brain Tumor Detection},
  year   = {2019},
  howpublished = {Kaggle},
  url    = {https://www.kaggle.com/datasets/navoneel/brain-mri-images-for-brain-tumor-detection}
}""",
    "simonyan2014": """@article{simonyan2014,
  author  = {Simonyan, Karen and Zisserman, Andrew},
  title   = {Very Deep Convolutional Networks for Large-Scale Image Recognition},
  journal = {arXiv preprint arXiv:1409.1556},
  year    = {2014}
}""",
    "sandler2018": """@inproceedings{sandler2018,
  author    = {Sandler, Mark and Howard, Andrew and Zhu, Menglong and Zhmoginov, Andrey and Chen, Liang-Chieh},
  title     = {{MobileNetV2}: Inverted Residuals and Linear Bottlenecks},
  booktitle = {Proceedings of the IEEE Conference on Computer Vision and Pattern Recognition},
  pages     = {4510--4520},
  year      = {2018}
}""",
    "iandola2016": """@article{iandola2016,
  author  = {Iandola, Forrest N. and Han, Song and Moskewicz, Matthew W. and Ashraf, Khalid and
             Dally, William J. and Keutzer, Kurt},
  title   = {{SqueezeNet}: {AlexNet}-level accuracy with 50x fewer parameters and $<$0.5{MB} model size},
  journal = {arXiv preprint arXiv:1602.07360},
  year    = {2016}
}""",
    "tan2019": """@inproceedings{tan2019,
  author    = {Tan, Mingxing and Le, Quoc V.},
  title     = {{EfficientNet}: Rethinking Model Scaling for Convolutional Neural Networks},
  booktitle = {Proceedings of the 36th International Conference on Machine Learning},
  pages     = {6105--6114},
  year      = {2019}
}""",
    "he2016": """@inproceedings{he2016,
  author    = {He, Kaiming and Zhang, Xiangyu and Ren, Shaoqing and Sun, Jian},
  title     = {Deep Residual Learning for Image Recognition},
  booktitle = {Proceedings of the IEEE Conference on Computer Vision and Pattern Recognition},
  pages     = {770--778},
  year      = {2016}
}""",
    "hu2018": """@inproceedings{hu2018,
  author    = {Hu, Jie and Shen, Li and Sun, Gang},
  title     = {Squeeze-and-Excitation Networks},
  booktitle = {Proceedings of the IEEE Conference on Computer Vision and Pattern Recognition},
  pages     = {7132--7141},
  year      = {2018}
}""",
    "lin2017": """@inproceedings{lin2017,
  author    = {Lin, Tsung-Yi and Goyal, Priya and Girshick, Ross and He, Kaiming and Doll{\\'a}r, Piotr},
  title     = {Focal Loss for Dense Object Detection},
  booktitle = {Proceedings of the IEEE International Conference on Computer Vision},
  pages     = {2980--2988},
  year      = {2017}
}""",
    "selvaraju2020": """@article{selvaraju2020,
  author  = {Selvaraju, Ramprasaath R. and Cogswell, Michael and Das, Abhishek and Vedantam, Ramakrishna and
             Parikh, Devi and Batra, Dhruv},
  title   = {{Grad-CAM}: Visual Explanations from Deep Networks via Gradient-Based Localization},
  journal = {International Journal of Computer Vision},
  volume  = {128},
  pages   = {336--359},
  year    = {2020}
}""",
    "adebayo2018": """@inproceedings{adebayo2018,
  author    = {Adebayo, Julius and Gilmer, Justin and Muelly, Michael and Goodfellow, Ian and Hardt, Moritz and
               Kim, Been},
  title     = {Sanity Checks for Saliency Maps},
  booktitle = {Advances in Neural Information Processing Systems},
  volume    = {31},
  year      = {2018}
}""",
    "kingma2015": """@inproceedings{kingma2015,
  author    = {Kingma, Diederik P. and Ba, Jimmy},
  title     = {Adam: A Method for Stochastic Optimization},
  booktitle = {International Conference on Learning Representations},
  year      = {2015}
}""",
    "loshchilov2019": """@inproceedings{loshchilov2019,
  author    = {Loshchilov, Ilya and Hutter, Frank},
  title     = {Decoupled Weight Decay Regularization},
  booktitle = {International Conference on Learning Representations},
  year      = {2019}
}""",
    "efron1993": """@book{efron1993,
  author    = {Efron, Bradley and Tibshirani, Robert J.},
  title     = {An Introduction to the Bootstrap},
  publisher = {Chapman and Hall},
  year      = {1993}
}""",
    "paszke2019": """@inproceedings{paszke2019,
  author    = {Paszke, Adam and Gross, Sam and Massa, Francisco and Lerer, Adam and others},
  title     = {{PyTorch}: An Imperative Style, High-Performance Deep Learning Library},
  booktitle = {Advances in Neural Information Processing Systems},
  volume    = {32},
  year      = {2019}
}""",
    "wightman2019": """@misc{wightman2019,
  author = {Wightman, Ross},
  title  = {{PyTorch} Image Models},
  year   = {2019},
  doi    = {10.5281/zenodo.4414861},
  howpublished = {GitHub repository}
}""",
}

SOURCES = {"kaggle-brain": "chakrabarty2019"}

BACKBONES = (
    ("vgg", "simonyan2014"),
    ("mobilenetv2", "sandler2018"),
    ("squeezenet", "iandola2016"),
    ("efficientnet_", "tan2019"),
    ("tf_efficientnet_", "tan2019"),
    ("resnet", "he2016"),
)
"""Start of a network's name → its paper."""

OPTIMISERS = {"adam": "kingma2015", "adamw": "loshchilov2019"}

SQUEEZE_EXCITATION = "hu2018"
FOCAL = "lin2017"


def backbone_key(backbone: str) -> str | None:
    """Citation of a network; None when laudo knows none."""
    return next((key for start, key in BACKBONES if backbone.startswith(start)), None)


def used(recipe: Recipe, explained: bool, sanity_checked: bool) -> list[str]:
    """Keys of what this run used, in the order of the methods text."""
    keys = [
        SOURCES.get(recipe.data.source),
        backbone_key(recipe.network.backbone),
        SQUEEZE_EXCITATION if "se" in recipe.network.blocks else None,
        FOCAL if recipe.training.loss == "focal" else None,
        OPTIMISERS.get(recipe.training.optimizer),
        "efron1993",
        "selvaraju2020" if explained else None,
        "adebayo2018" if sanity_checked else None,
        "paszke2019",
        "wightman2019",
    ]
    return [key for key in keys if key]
