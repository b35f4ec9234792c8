"""What the methods cite, by short names."""

from __future__ import annotations

REFERENCES = {
    "luigi": "Spotify. Luigi: a Python package for pipelines of batch jobs. https://github.com/spotify/luigi",
    "numpy": "Harris CR, Millman KJ, van der Walt SJ, et al. (2020) Array programming with NumPy. Nature 585:357–362. "
             "doi:10.1038/s41586-020-2649-2",
    "scipy": "Virtanen P, Gommers R, Oliphant TE, et al. (2020) SciPy 1.0: fundamental algorithms for scientific "
             "computing in Python. Nature Methods 17:261–272. doi:10.1038/s41592-019-0686-2",
    "skimage": "van der Walt S, Schönberger JL, Nunez-Iglesias J, et al. (2014) scikit-image: image processing in "
               "Python. PeerJ 2:e453. doi:10.7717/peerj.453",
    "opencv": "Bradski G (2000) The OpenCV library. Dr. Dobb's Journal of Software Tools 25(11):120–125.",
    "tifffile": "Gohlke C. tifffile: read and write TIFF files. Zenodo. doi:10.5281/zenodo.6795860",
    "otsu": "Otsu N (1979) A threshold selection method from gray-level histograms. IEEE Transactions on Systems, Man, "
            "and Cybernetics 9(1):62–66. doi:10.1109/TSMC.1979.4310076",
    "lightgbm": "Ke G, Meng Q, Finley T, et al. (2017) LightGBM: a highly efficient gradient boosting decision tree. "
                "Advances in Neural Information Processing Systems 30:3146–3154.",
    "ecc": "Evangelidis GD, Psarakis EZ (2008) Parametric image alignment using enhanced correlation coefficient "
           "maximization. IEEE Transactions on Pattern Analysis and Machine Intelligence 30(10):1858–1865. "
           "doi:10.1109/TPAMI.2008.113",
    "elastix": "Klein S, Staring M, Murphy K, Viergever MA, Pluim JPW (2010) elastix: a toolbox for intensity-based "
               "medical image registration. IEEE Transactions on Medical Imaging 29(1):196–205. "
               "doi:10.1109/TMI.2009.2035616",
    "shamonin": "Shamonin DP, Bron EE, Lelieveldt BPF, Smits M, Klein S, Staring M (2014) Fast parallel image "
                "registration on CPU and GPU for diagnostic classification of Alzheimer's disease. Frontiers in "
                "Neuroinformatics 7:50. doi:10.3389/fninf.2013.00050",
    "simpleelastix": "Marstal K, Berendsen F, Staring M, Klein S (2016) SimpleElastix: a user-friendly, multi-lingual "
                     "library for medical image registration. IEEE Conference on Computer Vision and Pattern "
                     "Recognition Workshops, 574–582. doi:10.1109/CVPRW.2016.78",
    "asgd": "Klein S, Pluim JPW, Staring M, Viergever MA (2009) Adaptive stochastic gradient descent optimisation for "
            "image registration. International Journal of Computer Vision 81(3):227–239. doi:10.1007/s11263-008-0168-y",
    "mattes": "Mattes D, Haynor DR, Vesselle H, Lewellen TK, Eubank W (2003) PET-CT image registration in the chest "
              "using free-form deformations. IEEE Transactions on Medical Imaging 22(1):120–128. "
              "doi:10.1109/TMI.2003.809072",
    "triggs": "Triggs B, McLauchlan PF, Hartley RI, Fitzgibbon AW (2000) Bundle adjustment – a modern synthesis. In: "
              "Vision Algorithms: Theory and Practice, LNCS 1883:298–372. doi:10.1007/3-540-44480-7_21",
    "neuroglancer": "Maitin-Shepard J, et al. Neuroglancer: WebGL-based viewer for volumetric data. Google. "
                    "https://github.com/google/neuroglancer. doi:10.5281/zenodo.5573294",
    "marching": "Lorensen WE, Cline HE (1987) Marching cubes: a high resolution 3D surface construction algorithm. "
                "ACM SIGGRAPH Computer Graphics 21(4):163–169. doi:10.1145/37402.37422",
    "zmesh": "Silversmith W. zmesh: marching cubes and mesh simplification for multi-label volumes. "
             "https://github.com/seung-lab/zmesh",
}  # fmt: skip
