"""Who is to be cited for networks that outline structures: networks, losses, metrics, data sets."""

from __future__ import annotations

BIBTEX_OF_MASKS: dict[str, str] = {
    "antonelli2022": """@article{antonelli2022,
  author  = {Antonelli, Michela and Reinke, Annika and Bakas, Spyridon and Farahani, Keyvan and others},
  title   = {The {Medical Segmentation Decathlon}},
  journal = {Nature Communications},
  volume  = {13},
  pages   = {4128},
  year    = {2022},
  doi     = {10.1038/s41467-022-30695-9}
}""",
    "menze2015": """@article{menze2015,
  author  = {Menze, Bjoern H. and Jakab, Andras and Bauer, Stefan and Kalpathy-Cramer, Jayashree and others},
  title   = {The Multimodal Brain Tumor Image Segmentation Benchmark ({BRATS})},
  journal = {IEEE Transactions on Medical Imaging},
  volume  = {34},
  number  = {10},
  pages   = {1993--2024},
  year    = {2015},
  doi     = {10.1109/TMI.2014.2377694}
}""",
    "ronneberger2015": """@inproceedings{ronneberger2015,
  author    = {Ronneberger, Olaf and Fischer, Philipp and Brox, Thomas},
  title     = {{U-Net}: Convolutional Networks for Biomedical Image Segmentation},
  booktitle = {Medical Image Computing and Computer-Assisted Intervention},
  pages     = {234--241},
  year      = {2015},
  doi       = {10.1007/978-3-319-24574-4_28}
}""",
    "cicek2016": """@inproceedings{cicek2016,
  author    = {{\\c{C}}i{\\c{c}}ek, {\\"O}zg{\\"u}n and Abdulkadir, Ahmed and Lienkamp, Soeren S. and Brox, Thomas and
               Ronneberger, Olaf},
  title     = {{3D U-Net}: Learning Dense Volumetric Segmentation from Sparse Annotation},
  booktitle = {Medical Image Computing and Computer-Assisted Intervention},
  pages     = {424--432},
  year      = {2016},
  doi       = {10.1007/978-3-319-46723-8_49}
}""",
    "isensee2021": """@article{isensee2021,
  author  = {Isensee, Fabian and Jaeger, Paul F. and Kohl, Simon A. A. and Petersen, Jens and Maier-Hein, Klaus H.},
  title   = {{nnU-Net}: a self-configuring method for deep learning-based biomedical image segmentation},
  journal = {Nature Methods},
  volume  = {18},
  pages   = {203--211},
  year    = {2021},
  doi     = {10.1038/s41592-020-01008-z}
}""",
    "cardoso2022": """@article{cardoso2022,
  author  = {Cardoso, M. Jorge and Li, Wenqi and Brown, Richard and Ma, Nic and others},
  title   = {{MONAI}: An open-source framework for deep learning in healthcare},
  journal = {arXiv preprint arXiv:2211.02701},
  year    = {2022}
}""",
    "myronenko2019": """@inproceedings{myronenko2019,
  author    = {Myronenko, Andriy},
  title     = {{3D MRI} Brain Tumor Segmentation Using Autoencoder Regularization},
  booktitle = {Brainlesion: Glioma, Multiple Sclerosis, Stroke and Traumatic Brain Injuries},
  pages     = {311--320},
  year      = {2019},
  doi       = {10.1007/978-3-030-11726-9_28}
}""",
    "hatamizadeh2022": """@inproceedings{hatamizadeh2022,
  author    = {Hatamizadeh, Ali and Nath, Vishwesh and Tang, Yucheng and Yang, Dong and Roth, Holger R. and Xu, Daguang},
  title     = {{Swin UNETR}: {Swin} Transformers for Semantic Segmentation of Brain Tumors in {MRI} Images},
  booktitle = {Brainlesion: Glioma, Multiple Sclerosis, Stroke and Traumatic Brain Injuries},
  pages     = {272--284},
  year      = {2022},
  doi       = {10.1007/978-3-031-08999-2_22}
}""",
    "milletari2016": """@inproceedings{milletari2016,
  author    = {Milletari, Fausto and Navab, Nassir and Ahmadi, Seyed-Ahmad},
  title     = {{V-Net}: Fully Convolutional Neural Networks for Volumetric Medical Image Segmentation},
  booktitle = {International Conference on 3D Vision},
  pages     = {565--571},
  year      = {2016},
  doi       = {10.1109/3DV.2016.79}
}""",
    "drozdzal2016": """@inproceedings{drozdzal2016,
  author    = {Drozdzal, Michal and Vorontsov, Eugene and Chartrand, Gabriel and Kadoury, Samuel and Pal, Chris},
  title     = {The Importance of Skip Connections in Biomedical Image Segmentation},
  booktitle = {Deep Learning and Data Labeling for Medical Applications},
  pages     = {179--187},
  year      = {2016},
  doi       = {10.1007/978-3-319-46976-8_19}
}""",
    "salehi2017": """@inproceedings{salehi2017,
  author    = {Salehi, Seyed Sadegh Mohseni and Erdogmus, Deniz and Gholipour, Ali},
  title     = {Tversky Loss Function for Image Segmentation Using {3D} Fully Convolutional Deep Networks},
  booktitle = {Machine Learning in Medical Imaging},
  pages     = {379--387},
  year      = {2017},
  doi       = {10.1007/978-3-319-67389-9_44}
}""",
    "sudre2017": """@inproceedings{sudre2017,
  author    = {Sudre, Carole H. and Li, Wenqi and Vercauteren, Tom and Ourselin, S{\\'e}bastien and Cardoso, M. Jorge},
  title     = {Generalised {Dice} Overlap as a Deep Learning Loss Function for Highly Unbalanced Segmentations},
  booktitle = {Deep Learning in Medical Image Analysis and Multimodal Learning for Clinical Decision Support},
  pages     = {240--248},
  year      = {2017},
  doi       = {10.1007/978-3-319-67558-9_28}
}""",
    "lee2015": """@inproceedings{lee2015,
  author    = {Lee, Chen-Yu and Xie, Saining and Gallagher, Patrick and Zhang, Zhengyou and Tu, Zhuowen},
  title     = {Deeply-Supervised Nets},
  booktitle = {Artificial Intelligence and Statistics},
  pages     = {562--570},
  year      = {2015}
}""",
    "chen2018": """@article{chen2018,
  author  = {Chen, Liang-Chieh and Papandreou, George and Kokkinos, Iasonas and Murphy, Kevin and Yuille, Alan L.},
  title   = {{DeepLab}: Semantic Image Segmentation with Deep Convolutional Nets, Atrous Convolution, and Fully Connected {CRFs}},
  journal = {IEEE Transactions on Pattern Analysis and Machine Intelligence},
  volume  = {40},
  number  = {4},
  pages   = {834--848},
  year    = {2018},
  doi     = {10.1109/TPAMI.2017.2699184}
}""",
    "dice1945": """@article{dice1945,
  author  = {Dice, Lee R.},
  title   = {Measures of the Amount of Ecologic Association Between Species},
  journal = {Ecology},
  volume  = {26},
  number  = {3},
  pages   = {297--302},
  year    = {1945},
  doi     = {10.2307/1932409}
}""",
    "nikolov2021": """@article{nikolov2021,
  author  = {Nikolov, Stanislav and Blackwell, Sam and Zverovitch, Alexei and Mendes, Ruheena and others},
  title   = {Clinically Applicable Segmentation of Head and Neck Anatomy for Radiotherapy: Deep Learning Algorithm
             Development and Validation Study},
  journal = {Journal of Medical Internet Research},
  volume  = {23},
  number  = {7},
  pages   = {e26151},
  year    = {2021},
  doi     = {10.2196/26151}
}""",
    "maierhein2024": """@article{maierhein2024,
  author  = {Maier-Hein, Lena and Reinke, Annika and Godau, Patrick and Tizabi, Minu D. and others},
  title   = {Metrics reloaded: recommendations for image analysis validation},
  journal = {Nature Methods},
  volume  = {21},
  pages   = {195--212},
  year    = {2024},
  doi     = {10.1038/s41592-023-02151-z}
}""",
    "bland1986": """@article{bland1986,
  author  = {Bland, J. Martin and Altman, Douglas G.},
  title   = {Statistical methods for assessing agreement between two methods of clinical measurement},
  journal = {The Lancet},
  volume  = {327},
  number  = {8476},
  pages   = {307--310},
  year    = {1986},
  doi     = {10.1016/S0140-6736(86)90837-8}
}""",
}

MONAI = "cardoso2022"

NETWORKS: dict[str, tuple[str, ...]] = {
    "unet2d": ("ronneberger2015",),
    "unet3d": ("cicek2016",),
    "planned_unet": ("isensee2021",),
    "dynunet": ("isensee2021", MONAI),
    "segresnet": ("myronenko2019", MONAI),
    "swinunetr": ("hatamizadeh2022", MONAI),
}
"""Network → the papers of it and of the code that it comes from."""

SQUARED_DICE = "milletari2016"
PLAIN_DICE = "drozdzal2016"
TVERSKY = "salehi2017"
GENERALISED_DICE = "sudre2017"
DEEP_SUPERVISION = "lee2015"
WINDOWS = "isensee2021"
POLYNOMIAL = "chen2018"

METRICS = ("dice1945", "nikolov2021", "maierhein2024", "bland1986")
"""Of the metrics and the figures that every report on masks has."""
