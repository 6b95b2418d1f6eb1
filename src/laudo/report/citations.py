"""Who is to be cited for what a run used, as BibTeX."""

from __future__ import annotations

import re
from collections.abc import Sequence

from laudo.core.recipe import MaskLoss
from laudo.report import citations_of_masks as masks
from laudo.report import citations_of_methods as methods
from laudo.report import citations_of_networks as networks
from laudo.report import citations_of_texts as texts

BIBTEX: dict[str, str] = {
    **masks.BIBTEX_OF_MASKS,
    **texts.BIBTEX_OF_TEXTS,
    "guo2017": """@inproceedings{guo2017,
  author    = {Guo, Chuan and Pleiss, Geoff and Sun, Yu and Weinberger, Kilian Q.},
  title     = {On Calibration of Modern Neural Networks},
  booktitle = {Proceedings of the 34th International Conference on Machine Learning},
  pages     = {1321--1330},
  year      = {2017}
}""",
    "sun2022": """@inproceedings{sun2022,
  author    = {Sun, Yiyou and Ming, Yifei and Zhu, Xiaojin and Li, Yixuan},
  title     = {Out-of-Distribution Detection with Deep Nearest Neighbors},
  booktitle = {Proceedings of the 39th International Conference on Machine Learning},
  pages     = {20827--20840},
  year      = {2022}
}""",
    "vickers2006": """@article{vickers2006,
  author  = {Vickers, Andrew J. and Elkin, Elena B.},
  title   = {Decision Curve Analysis: A Novel Method for Evaluating Prediction Models},
  journal = {Medical Decision Making},
  volume  = {26},
  number  = {6},
  pages   = {565--574},
  year    = {2006}
}""",
    **networks.BIBTEX_OF_NETWORKS,
    **methods.BIBTEX_OF_METHODS,
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
  year      = {2018},
  doi       = {10.1109/CVPR.2018.00474}
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
  year      = {2016},
  doi       = {10.1109/CVPR.2016.90}
}""",
    "hu2018": """@inproceedings{hu2018,
  author    = {Hu, Jie and Shen, Li and Sun, Gang},
  title     = {Squeeze-and-Excitation Networks},
  booktitle = {Proceedings of the IEEE Conference on Computer Vision and Pattern Recognition},
  pages     = {7132--7141},
  year      = {2018},
  doi       = {10.1109/CVPR.2018.00745}
}""",
    "lin2017": """@inproceedings{lin2017,
  author    = {Lin, Tsung-Yi and Goyal, Priya and Girshick, Ross and He, Kaiming and Doll{\\'a}r, Piotr},
  title     = {Focal Loss for Dense Object Detection},
  booktitle = {Proceedings of the IEEE International Conference on Computer Vision},
  pages     = {2980--2988},
  year      = {2017},
  doi       = {10.1109/ICCV.2017.324}
}""",
    "selvaraju2020": """@article{selvaraju2020,
  author  = {Selvaraju, Ramprasaath R. and Cogswell, Michael and Das, Abhishek and Vedantam, Ramakrishna and
             Parikh, Devi and Batra, Dhruv},
  title   = {{Grad-CAM}: Visual Explanations from Deep Networks via Gradient-Based Localization},
  journal = {International Journal of Computer Vision},
  volume  = {128},
  pages   = {336--359},
  year    = {2020},
  doi     = {10.1007/s11263-019-01228-7}
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
    "zhang2018": """@inproceedings{zhang2018,
  author    = {Zhang, Hongyi and Cisse, Moustapha and Dauphin, Yann N. and Lopez-Paz, David},
  title     = {mixup: Beyond Empirical Risk Minimization},
  booktitle = {International Conference on Learning Representations},
  year      = {2018}
}""",
    "yun2019": """@inproceedings{yun2019,
  author    = {Yun, Sangdoo and Han, Dongyoon and Oh, Seong Joon and Chun, Sanghyuk and Choe, Junsuk and Yoo, Youngjoon},
  title     = {{CutMix}: Regularization Strategy to Train Strong Classifiers with Localizable Features},
  booktitle = {Proceedings of the IEEE/CVF International Conference on Computer Vision},
  pages     = {6023--6032},
  year      = {2019}
}""",
    "devries2017": """@article{devries2017,
  author  = {DeVries, Terrance and Taylor, Graham W.},
  title   = {Improved Regularization of Convolutional Neural Networks with Cutout},
  journal = {arXiv preprint arXiv:1708.04552},
  year    = {2017}
}""",
    "izmailov2018": """@inproceedings{izmailov2018,
  author    = {Izmailov, Pavel and Podoprikhin, Dmitrii and Garipov, Timur and Vetrov, Dmitry and Wilson, Andrew Gordon},
  title     = {Averaging Weights Leads to Wider Optima and Better Generalization},
  booktitle = {Proceedings of the 34th Conference on Uncertainty in Artificial Intelligence},
  pages     = {876--885},
  year      = {2018}
}""",
    "haralick1973": """@article{haralick1973,
  author  = {Haralick, Robert M. and Shanmugam, K. and Dinstein, Its'hak},
  title   = {Textural Features for Image Classification},
  journal = {IEEE Transactions on Systems, Man, and Cybernetics},
  volume  = {SMC-3},
  number  = {6},
  pages   = {610--621},
  year    = {1973},
  doi     = {10.1109/TSMC.1973.4309314}
}""",
    "ojala2002": """@article{ojala2002,
  author  = {Ojala, Timo and Pietik{\\"a}inen, Matti and M{\\"a}enp{\\"a}{\\"a}, Topi},
  title   = {Multiresolution Gray-Scale and Rotation Invariant Texture Classification with Local Binary Patterns},
  journal = {IEEE Transactions on Pattern Analysis and Machine Intelligence},
  volume  = {24},
  number  = {7},
  pages   = {971--987},
  year    = {2002},
  doi     = {10.1109/TPAMI.2002.1017623}
}""",
    "pedregosa2011": """@article{pedregosa2011,
  author  = {Pedregosa, Fabian and Varoquaux, Ga{\\"e}l and Gramfort, Alexandre and others},
  title   = {Scikit-learn: Machine Learning in {Python}},
  journal = {Journal of Machine Learning Research},
  volume  = {12},
  pages   = {2825--2830},
  year    = {2011}
}""",
    "cheng2017": """@misc{cheng2017,
  author = {Cheng, Jun},
  title  = {Brain tumor dataset},
  year   = {2017},
  howpublished = {figshare},
  doi    = {10.6084/m9.figshare.1512427}
}""",
    "siragusa2025": """@article{siragusa2025,
  author  = {Siragusa, Irene and Contino, Salvatore and La Ciura, Massimo and Alicata, Rosario and Pirrone, Roberto},
  title   = {{MedPix} 2.0: A Comprehensive Multimodal Biomedical Data Set for Advanced {AI} Applications},
  journal = {Data Science and Engineering},
  year    = {2025},
  doi     = {10.1007/s41019-025-00297-8}
}""",
    "iqbal2024": """@article{iqbal2024,
  author  = {Iqbal, Ahmed and Sharif, Muhammad},
  title   = {Memory-efficient transformer network with feature fusion for breast tumor segmentation and classification task},
  journal = {Engineering Applications of Artificial Intelligence},
  volume  = {127},
  pages   = {107292},
  year    = {2024},
  doi     = {10.1016/j.engappai.2023.107292}
}""",
}

SOURCES: dict[str, tuple[str, ...]] = {
    "kaggle-brain": ("chakrabarty2019",),
    "figshare": ("cheng2017", "cheng2015"),
    "medpix2": ("siragusa2025",),
    "bus-uc": ("iqbal2024",),
    "busi": ("aldhabyani2020",),
    "msd": ("antonelli2022", "simpson2019"),
    "brats": ("menze2015", "bakas2017"),
}
"""Data set → what its makers ask to be cited."""

BACKBONES = (
    ("vgg", "simonyan2014"),
    ("mobilenetv2", "sandler2018"),
    ("mobilenetv3", "howard2019"),
    ("squeezenet", "iandola2016"),
    ("efficientnet_", "tan2019"),
    ("tf_efficientnet_", "tan2019"),
    ("efficientnetv2", "tan2021"),
    ("tf_efficientnetv2", "tan2021"),
    ("resnetv2", "he2016b"),
    ("resnet", "he2016"),
    ("wide_resnet", "zagoruyko2016"),
    ("seresnet", "hu2018"),
    ("resnext", "xie2017"),
    ("densenet", "huang2017"),
    ("inception_v3", "szegedy2016"),
    ("xception", "chollet2017"),
    ("regnet", "radosavovic2020"),
    ("vit_", "dosovitskiy2021"),
    ("deit_", "touvron2021"),
    ("swin_", "liu2021"),
    ("convnext_", "liu2022"),
    ("clip", texts.CLIP),
    ("open_clip", texts.OPEN_CLIP),
)
"""Start of a network's name → its paper."""

OPTIMISERS = {"adam": "kingma2015", "adamw": "loshchilov2019", "sgd": methods.MOMENTUM}

SQUEEZE_EXCITATION = "hu2018"
FOCAL = "lin2017"
AVERAGING = "izmailov2018"
POLYNOMIAL = masks.POLYNOMIAL
MIXUP = "zhang2018"
CUTMIX = "yun2019"
CUTOUT = "devries2017"
CLASSICAL = "pedregosa2011"

DESCRIPTORS = {"texture": ("haralick1973", "ojala2002")}
"""Group of measured features → the papers of its methods."""


KEY = re.compile(r"\[([a-z]+\d{4}[a-z]?)\]")
"""A citation in a text."""


def cite(*keys: str | None) -> str:
    """`` [a] [b]`` for behind a name; empty without a key."""
    return "".join(f" [{key}]" for key in keys if key)


def with_citation(sentence: str, *keys: str) -> str:
    """The sentence with citations in front of its full stop."""
    return sentence.removesuffix(".") + cite(*keys) + "."


def backbone_key(backbone: str) -> str | None:
    """Citation of a network; None when laudo knows none."""
    return next((key for start, key in BACKBONES if backbone.startswith(start)), None)


def cited(paragraphs: Sequence[str]) -> list[str]:
    """Keys that a text cites, each once, in the order in which they come."""
    found = (key for text in paragraphs for key in KEY.findall(text))
    return [key for key in dict.fromkeys(found) if key in BIBTEX]


def mask_loss_keys(loss: MaskLoss) -> tuple[str, ...]:
    """Papers of the loss on masks; none for cross-entropy."""
    dice = masks.SQUARED_DICE if loss.squared else masks.PLAIN_DICE
    return {
        "dice": (dice,),
        "cross_entropy+dice": (dice,),
        "focal": (FOCAL,),
        "tversky": (masks.TVERSKY,),
        "generalised_dice": (masks.GENERALISED_DICE,),
    }.get(loss.name, ())
