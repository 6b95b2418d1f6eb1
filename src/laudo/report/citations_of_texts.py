"""Who is to be cited where texts are read."""

from __future__ import annotations

CLIP, OPEN_CLIP = "radford2021", "ilharco2021"
TFIDF, COMPONENTS, POOL = "salton1988", "deerwester1990", "genest1986"

BIBTEX_OF_TEXTS: dict[str, str] = {
    TFIDF: """@article{salton1988,
  author  = {Salton, Gerard and Buckley, Christopher},
  title   = {Term-Weighting Approaches in Automatic Text Retrieval},
  journal = {Information Processing and Management},
  volume  = {24},
  number  = {5},
  pages   = {513--523},
  year    = {1988},
  doi     = {10.1016/0306-4573(88)90021-0}
}""",
    COMPONENTS: """@article{deerwester1990,
  author  = {Deerwester, Scott and Dumais, Susan T. and Furnas, George W. and Landauer, Thomas K. and Harshman, Richard},
  title   = {Indexing by Latent Semantic Analysis},
  journal = {Journal of the American Society for Information Science},
  volume  = {41},
  number  = {6},
  pages   = {391--407},
  year    = {1990}
}""",
    POOL: """@article{genest1986,
  author  = {Genest, Christian and Zidek, James V.},
  title   = {Combining Probability Distributions: A Critique and an Annotated Bibliography},
  journal = {Statistical Science},
  volume  = {1},
  number  = {1},
  pages   = {114--135},
  year    = {1986},
  doi     = {10.1214/ss/1177013825}
}""",
    CLIP: """@inproceedings{radford2021,
  author    = {Radford, Alec and Kim, Jong Wook and Hallacy, Chris and Ramesh, Aditya and Goh, Gabriel and others},
  title     = {Learning Transferable Visual Models From Natural Language Supervision},
  booktitle = {Proceedings of the 38th International Conference on Machine Learning},
  pages     = {8748--8763},
  year      = {2021}
}""",
    OPEN_CLIP: """@misc{ilharco2021,
  author = {Ilharco, Gabriel and Wortsman, Mitchell and Wightman, Ross and Gordon, Cade and Carlini, Nicholas and others},
  title  = {{OpenCLIP}},
  year   = {2021},
  doi    = {10.5281/zenodo.5143773}
}""",
}
