"""Who is to be cited for classical classifiers, ways to train, metrics, data sets' second papers, and checklists."""

from __future__ import annotations

BIBTEX_OF_METHODS: dict[str, str] = {
    "cox1958": """@article{cox1958,
  author  = {Cox, David R.},
  title   = {The Regression Analysis of Binary Sequences},
  journal = {Journal of the Royal Statistical Society: Series B},
  volume  = {20},
  number  = {2},
  pages   = {215--242},
  year    = {1958}
}""",
    "cover1967": """@article{cover1967,
  author  = {Cover, Thomas M. and Hart, Peter E.},
  title   = {Nearest Neighbor Pattern Classification},
  journal = {IEEE Transactions on Information Theory},
  volume  = {13},
  number  = {1},
  pages   = {21--27},
  year    = {1967},
  doi     = {10.1109/TIT.1967.1053964}
}""",
    "cortes1995": """@article{cortes1995,
  author  = {Cortes, Corinna and Vapnik, Vladimir},
  title   = {Support-Vector Networks},
  journal = {Machine Learning},
  volume  = {20},
  number  = {3},
  pages   = {273--297},
  year    = {1995},
  doi     = {10.1007/BF00994018}
}""",
    "breiman2001": """@article{breiman2001,
  author  = {Breiman, Leo},
  title   = {Random Forests},
  journal = {Machine Learning},
  volume  = {45},
  number  = {1},
  pages   = {5--32},
  year    = {2001},
  doi     = {10.1023/A:1010933404324}
}""",
    "friedman2001": """@article{friedman2001,
  author  = {Friedman, Jerome H.},
  title   = {Greedy Function Approximation: A Gradient Boosting Machine},
  journal = {The Annals of Statistics},
  volume  = {29},
  number  = {5},
  pages   = {1189--1232},
  year    = {2001},
  doi     = {10.1214/aos/1013203451}
}""",
    "srivastava2014": """@article{srivastava2014,
  author  = {Srivastava, Nitish and Hinton, Geoffrey and Krizhevsky, Alex and Sutskever, Ilya and Salakhutdinov, Ruslan},
  title   = {Dropout: A Simple Way to Prevent Neural Networks from Overfitting},
  journal = {Journal of Machine Learning Research},
  volume  = {15},
  pages   = {1929--1958},
  year    = {2014}
}""",
    "ioffe2015": """@inproceedings{ioffe2015,
  author    = {Ioffe, Sergey and Szegedy, Christian},
  title     = {Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift},
  booktitle = {Proceedings of the 32nd International Conference on Machine Learning},
  pages     = {448--456},
  year      = {2015}
}""",
    "yu2016": """@inproceedings{yu2016,
  author    = {Yu, Fisher and Koltun, Vladlen},
  title     = {Multi-Scale Context Aggregation by Dilated Convolutions},
  booktitle = {International Conference on Learning Representations},
  year      = {2016}
}""",
    "sutskever2013": """@inproceedings{sutskever2013,
  author    = {Sutskever, Ilya and Martens, James and Dahl, George and Hinton, Geoffrey},
  title     = {On the importance of initialization and momentum in deep learning},
  booktitle = {Proceedings of the 30th International Conference on Machine Learning},
  pages     = {1139--1147},
  year      = {2013}
}""",
    "pascanu2013": """@inproceedings{pascanu2013,
  author    = {Pascanu, Razvan and Mikolov, Tomas and Bengio, Yoshua},
  title     = {On the difficulty of training recurrent neural networks},
  booktitle = {Proceedings of the 30th International Conference on Machine Learning},
  pages     = {1310--1318},
  year      = {2013}
}""",
    "loshchilov2017": """@inproceedings{loshchilov2017,
  author    = {Loshchilov, Ilya and Hutter, Frank},
  title     = {{SGDR}: Stochastic Gradient Descent with Warm Restarts},
  booktitle = {International Conference on Learning Representations},
  year      = {2017}
}""",
    "chen2016": """@article{chen2016,
  author  = {Chen, Tianqi and Xu, Bing and Zhang, Chiyuan and Guestrin, Carlos},
  title   = {Training Deep Nets with Sublinear Memory Cost},
  journal = {arXiv preprint arXiv:1604.06174},
  year    = {2016}
}""",
    "brier1950": """@article{brier1950,
  author  = {Brier, Glenn W.},
  title   = {Verification of forecasts expressed in terms of probability},
  journal = {Monthly Weather Review},
  volume  = {78},
  number  = {1},
  pages   = {1--3},
  year    = {1950}
}""",
    "hanley1982": """@article{hanley1982,
  author  = {Hanley, James A. and McNeil, Barbara J.},
  title   = {The meaning and use of the area under a receiver operating characteristic ({ROC}) curve},
  journal = {Radiology},
  volume  = {143},
  number  = {1},
  pages   = {29--36},
  year    = {1982},
  doi     = {10.1148/radiology.143.1.7063747}
}""",
    "davis2006": """@inproceedings{davis2006,
  author    = {Davis, Jesse and Goadrich, Mark},
  title     = {The relationship between Precision-Recall and {ROC} curves},
  booktitle = {Proceedings of the 23rd International Conference on Machine Learning},
  pages     = {233--240},
  year      = {2006},
  doi       = {10.1145/1143844.1143874}
}""",
    "brodersen2010": """@inproceedings{brodersen2010,
  author    = {Brodersen, Kay Henning and Ong, Cheng Soon and Stephan, Klaas Enno and Buhmann, Joachim M.},
  title     = {The Balanced Accuracy and Its Posterior Distribution},
  booktitle = {20th International Conference on Pattern Recognition},
  pages     = {3121--3124},
  year      = {2010},
  doi       = {10.1109/ICPR.2010.764}
}""",
    "naeini2015": """@inproceedings{naeini2015,
  author    = {Pakdaman Naeini, Mahdi and Cooper, Gregory F. and Hauskrecht, Milos},
  title     = {Obtaining Well Calibrated Probabilities Using {Bayesian} Binning},
  booktitle = {Proceedings of the {AAAI} Conference on Artificial Intelligence},
  pages     = {2901--2907},
  year      = {2015}
}""",
    "kapoor2023": """@article{kapoor2023,
  author  = {Kapoor, Sayash and Narayanan, Arvind},
  title   = {Leakage and the reproducibility crisis in machine-learning-based science},
  journal = {Patterns},
  volume  = {4},
  number  = {9},
  pages   = {100804},
  year    = {2023},
  doi     = {10.1016/j.patter.2023.100804}
}""",
    "cheng2015": """@article{cheng2015,
  author  = {Cheng, Jun and Huang, Wei and Cao, Shuangliang and Yang, Ru and Yang, Wei and others},
  title   = {Enhanced Performance of Brain Tumor Classification via Tumor Region Augmentation and Partition},
  journal = {PLoS ONE},
  volume  = {10},
  number  = {10},
  pages   = {e0140381},
  year    = {2015},
  doi     = {10.1371/journal.pone.0140381}
}""",
    "bakas2017": """@article{bakas2017,
  author  = {Bakas, Spyridon and Akbari, Hamed and Sotiras, Aristeidis and Bilello, Michel and others},
  title   = {Advancing The Cancer Genome Atlas glioma {MRI} collections with expert segmentation labels and radiomic features},
  journal = {Scientific Data},
  volume  = {4},
  pages   = {170117},
  year    = {2017},
  doi     = {10.1038/sdata.2017.117}
}""",
    "simpson2019": """@article{simpson2019,
  author  = {Simpson, Amber L. and Antonelli, Michela and Bakas, Spyridon and Bilello, Michel and others},
  title   = {A large annotated medical image dataset for the development and evaluation of segmentation algorithms},
  journal = {arXiv preprint arXiv:1902.09063},
  year    = {2019}
}""",
    "aldhabyani2020": """@article{aldhabyani2020,
  author  = {Al-Dhabyani, Walid and Gomaa, Mohammed and Khaled, Hussien and Fahmy, Aly},
  title   = {Dataset of breast ultrasound images},
  journal = {Data in Brief},
  volume  = {28},
  pages   = {104863},
  year    = {2020},
  doi     = {10.1016/j.dib.2019.104863}
}""",
    "tejani2024": """@article{tejani2024,
  author  = {Tejani, Ali S. and Klontzas, Michail E. and Gatti, Anthony A. and Mongan, John T. and
             Moy, Linda and Park, Seong Ho and {Kahn Jr.}, Charles E.},
  title   = {Checklist for Artificial Intelligence in Medical Imaging ({CLAIM}): 2024 Update},
  journal = {Radiology: Artificial Intelligence},
  volume  = {6},
  number  = {4},
  pages   = {e240300},
  year    = {2024},
  doi     = {10.1148/ryai.240300}
}""",
    "collins2024": """@article{collins2024,
  author  = {Collins, Gary S. and Moons, Karel G. M. and Dhiman, Paula and Riley, Richard D. and others},
  title   = {{TRIPOD+AI} statement: updated guidance for reporting clinical prediction models that use
             regression or machine learning methods},
  journal = {BMJ},
  volume  = {385},
  pages   = {e078378},
  year    = {2024},
  doi     = {10.1136/bmj-2023-078378}
}""",
}

CLASSIFIERS = {
    "knn": "cover1967",
    "logistic_regression": "cox1958",
    "svm": "cortes1995",
    "random_forest": "breiman2001",
    "gradient_boosting": "friedman2001",
}
"""Classical classifier → its paper."""

METRIC_PAPERS = {
    "balanced_accuracy": "brodersen2010",
    "auc_roc": "hanley1982",
    "auc_pr": "davis2006",
    "brier": "brier1950",
    "ece": "naeini2015",
}
"""Metric of classes → its paper; the others need none."""

DROPOUT = "srivastava2014"
BATCH_NORM = "ioffe2015"
DILATION = "yu2016"
MOMENTUM = "sutskever2013"
CLIPPING = "pascanu2013"
COSINE = "loshchilov2017"
SMOOTHING = "szegedy2016"
CHECKPOINTING = "chen2016"
LEAKAGE = "kapoor2023"
CLAIM = "tejani2024"
TRIPOD_AI = "collins2024"
