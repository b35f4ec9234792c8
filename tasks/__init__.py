"""Luigi tasks: when and where each stage runs. What a stage means is in brainstack/.

luigi --module tasks Animal --animal DK39        all stages
luigi --module tasks Masks --animal DK39         one stage, with all that it needs
"""

from brainstack.environment import CHECKOUT
from tasks import configuration, worker
from tasks.alignment import Alignment
from tasks.alignment_pictures import AlignmentPictures
from tasks.animal import Animal
from tasks.approval import ApprovedMasks
from tasks.canvas import Canvas
from tasks.clean import Clean
from tasks.deformation import Deformation
from tasks.different_mesh import DifferentMesh
from tasks.downsampling import Downsampling
from tasks.elastix import Elastix
from tasks.export import Export, ExportSection
from tasks.full_masks import FullMasks
from tasks.full_sections import FullAlignment, FullClean
from tasks.full_volume import FullDownsampling, FullImage, FullInfo, FullShards, FullSlab
from tasks.gain import Gain
from tasks.histogram import ChannelHistogram, Histogram, HistogramPicture, SingleHistogram
from tasks.mask_areas import MaskAreas
from tasks.mask_check import MaskCheck
from tasks.mask_search import MaskSearch
from tasks.masks import MaskProposal, Masks
from tasks.meta import Meta
from tasks.neuroglancer_image import NeuroglancerImage
from tasks.neuroglancer_info import NeuroglancerInfo
from tasks.neuroglancer_mesh import NeuroglancerMesh
from tasks.normalized import Normalized
from tasks.pair_check import PairCheck
from tasks.pair_finer import PairFiner
from tasks.pair_retry import PairRetry
from tasks.point_volume import PointVolume
from tasks.preps import Preps
from tasks.report import GroupReport, Report
from tasks.shape import Midline, Outline, ReferencePlace
from tasks.shell import Shell
from tasks.tifs import Tifs
from tasks.train_masks import TrainMasks
from tasks.transforms import Transforms
from tasks.update_tifs import UpdateTifs
from tasks.web import Web
from tasks.white_point import WhitePoint

__all__ = [
    "Alignment",
    "AlignmentPictures",
    "Animal",
    "ApprovedMasks",
    "Canvas",
    "ChannelHistogram",
    "Clean",
    "Deformation",
    "DifferentMesh",
    "Downsampling",
    "Elastix",
    "Export",
    "ExportSection",
    "FullAlignment",
    "FullClean",
    "FullDownsampling",
    "FullImage",
    "FullInfo",
    "FullMasks",
    "FullShards",
    "FullSlab",
    "Gain",
    "GroupReport",
    "Histogram",
    "HistogramPicture",
    "MaskAreas",
    "MaskCheck",
    "MaskProposal",
    "MaskSearch",
    "Masks",
    "Meta",
    "Midline",
    "NeuroglancerImage",
    "NeuroglancerInfo",
    "NeuroglancerMesh",
    "Normalized",
    "Outline",
    "PairCheck",
    "PairFiner",
    "PairRetry",
    "PointVolume",
    "Preps",
    "ReferencePlace",
    "Report",
    "Shell",
    "SingleHistogram",
    "Tifs",
    "TrainMasks",
    "Transforms",
    "UpdateTifs",
    "Web",
    "WhitePoint",
]

configuration.use(CHECKOUT / "luigi.cfg")
worker.install()
