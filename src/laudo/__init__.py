"""laudo: from a folder of medical images to a trained, explained and honestly evaluated model and its report.

From Python: ``from laudo.workflows import steps``, then ``steps.train("kaggle-vgg19", data=…)`` and its neighbours.
"""

__version__ = "0.1.0"
