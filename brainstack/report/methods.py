"""Chapter: a paragraph of methods for the paper, worded from the stages, settings and versions that this animal's data
were made with. Where these are others than those in force now, the chapter says so."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from brainstack.mask_areas import read_mask_areas
from brainstack.report.alignment_table import alignment_table
from brainstack.report.citations import REFERENCES
from brainstack.report.made_with import TOLD, as_made, brainstacks, made_with, packages_of
from brainstack.report.source import Source
from brainstack.settings import Settings
from brainstack.stages import STAGES

WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
CITED = re.compile(r"\[([a-z, ]+)\]")
HELD_BY = {
    "midline": "Sections were held by the brain's plane of symmetry, found in each of them.",
    "outline": "Sections were held by the smooth surface of their outlines along the stack.",
    "reference": "Sections were held by their registration on planes of a reference volume.",
}
BRACKET = "\ue000"
"""Stands for the opening bracket of what people wrote, until citations are numbered; of no language's letters."""


@dataclass(frozen=True)
class MethodsChapter:
    """text : with citations as numbers, such as "[1, 2]". references : in that order. missing : why there is nothing to
    be said yet. not_done : stages that are told of and are not as they should be, with how many steps; never_made :
    those of which nothing is told, as they were not made. changed : settings that are other now than told. command :
    makes all of them."""

    text: str
    references: tuple[str, ...]
    missing: str = ""
    not_done: tuple[str, ...] = ()
    never_made: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    command: str = ""


def methods_chapter(source: Source) -> MethodsChapter:
    if not source.plan.section:
        return MethodsChapter("", (), "No section is known yet, so that there are no methods to be told.")
    made = made_with(source)
    told = as_made(source, made)
    sentences = [*_scans(told), *_masks(told), *_brightness(told), *_pairs(told, made.unknown), *_stack(told),
                 *_volume(told), *_software(told)]  # fmt: skip
    return replace(
        numbered(" ".join(sentence[0].upper() + sentence[1:] for sentence in sentences)),
        not_done=made.not_done,
        never_made=made.never_made if any(_was_made(source, stage) for stage in TOLD) else (),
        changed=made.changed,
        command=f"luigi --module tasks Animal --animal {source.prep_id}",
    )


def numbered(text: str) -> MethodsChapter:
    """The text with its citations, such as "[numpy, scipy]", numbered as they come. Other words in brackets stay."""
    order: dict[str, int] = {}

    def cite(found: re.Match[str]) -> str:
        names = [name.strip() for name in found[1].split(",")]
        if not set(names) <= set(REFERENCES):
            return found[0]
        return f"[{', '.join(str(order.setdefault(name, len(order) + 1)) for name in names)}]"

    return MethodsChapter(CITED.sub(cite, text).replace(BRACKET, "["), tuple(REFERENCES[name] for name in order))


def _said(words: str) -> str:
    """What a person or a microscope wrote: it cites nothing."""
    return words.replace("[", BRACKET)


def _was_made(source: Source, stage: str) -> bool:
    """True where a step of a stage was made, of what the plan has now."""
    steps = source.plan.steps(stage)
    return any(source.progress.stamps.read(step) is not None for step in steps)


def several(count: int, word: str) -> str:
    """Such as "three sections", "24 sections"."""
    return f"{in_words(count)} {word}{'' if count == 1 else 's'}"


def in_words(count: int) -> str:
    return WORDS[count] if count < len(WORDS) else str(count)


def _scans(source: Source) -> list[str]:
    plan = source.plan
    histology, scan = plan.records.histology, plan.records.scan_run
    stain, names = _said(histology.counterstain), ", ".join(_said(one.name) for one in plan.channels)
    slides = len({plan.slide_number(file) for file in plan.czi_files})
    gaps, copies = sum(one.gap for one in plan.sections), sum(one.copy > 0 for one in plan.sections)
    species = _said(plan.records.animal.species)
    kind = (
        "in bright field"
        if plan.is_colour
        else f"in {several(len(plan.channels), 'channel')} ({names}) of {8 if plan.pixel_type == 'uint8' else 16} bit"
    )
    size = "" if scan.resolution_um is None else f" at {scan.resolution_um:.4g} µm per pixel"
    lines = [
        f"The {species} brain {source.prep_id} was cut into {histology.orientation} sections, "
        f"{histology.section_thickness_um:g} µm apart{f' (counterstain: {stain})' if stain else ''}. On "
        f"{several(slides, 'slide')}, {several(len(plan.sections) - copies, 'section')} were scanned {kind}{size} "
        "(Zeiss CZI)."
    ]
    if gaps:
        lines.append(f"{several(gaps, 'section')} of bad quality {'was' if gaps == 1 else 'were'} left empty.")
    if copies:
        lines.append(f"{several(copies, 'missing section')} {'was' if copies == 1 else 'were'} replaced by a copy of a "
                     "neighbouring one.")  # fmt: skip
    brainstack = " ".join(["brainstack", *_joined(brainstacks(source))])
    thumbnails = "" if source.pixel_size_um is None else f" to {source.pixel_size_um:.4g} µm per pixel"
    lines.append(
        f"The scans were processed with {brainstack}, a graph of Luigi tasks [luigi]. Masks and "
        f"alignment were found on images reduced by area averages{thumbnails}."
    )
    return lines


def were(count: int, word: str) -> str:
    return f"{several(count, word)} {'was' if count == 1 else 'were'}"


def _masks(source: Source) -> list[str]:
    if not _was_made(source, "Masks"):
        return []
    plan, settings = source.plan, source.plan.settings.masks
    what = "stain" if plan.is_colour else "light"
    found = (
        "by a gradient boosted forest of decision trees that was trained on masks painted by hand [lightgbm]"
        if settings.model
        else f"from its {what} above the glass and from its grain (at {settings.working_um:g} µm per pixel, smoothed "
        f"by {settings.smoothing_um:g} µm; Otsu's thresholds [otsu])"
    )
    rows = [one for one in read_mask_areas(plan.folder.mask_areas) if one.key in plan.section]
    mended, edited = sum(one.verdict == "mended" for one in rows), sum(key in plan.edits for key in plan.section)
    again = f"; {were(mended, 'mask')} found again with their help" if mended else ""
    return [
        f"Masks of the tissue were proposed {found}, and compared with those of neighbouring sections by area and by "
        f"the axes of the ellipse of inertia{again}.",
        f"{were(edited, 'mask')} mended by hand." if edited else "No mask was changed by hand.",
    ]


def _brightness(source: Source) -> list[str]:
    if not _was_made(source, "Clean"):
        return []
    gain, background_um = source.plan.settings.gain, source.plan.settings.clean.background_um
    lines = []
    if source.plan.is_colour:
        lines.append("Colours were kept as scanned, and the background was set to the colour of the glass.")
    else:
        lines.append(
            "Grey values of each channel were multiplied by one factor for all sections, which brings the "
            f"{gain.quantile:.0%} quantile of the tissue to {gain.target:.0%} of the range."
        )
    if gain.even_um and not source.plan.is_colour:
        lines.append(
            "Sections were evened out to the brightness of those around them (Gaussian along the stack, sigma "
            f"{gain.even_um:g} µm)."
        )
    if background_um:
        lines.append(f"The slow background, an opening by a disk of {background_um:g} µm radius, was subtracted.")
    return lines


def _pairs(source: Source, unknown: Collection[str]) -> list[str]:
    """unknown : settings that are not known any more."""
    if not _was_made(source, "Elastix"):
        return []
    settings, elastix = source.plan.settings, source.plan.settings.elastix
    on = "inverted luminance" if source.plan.is_colour else f"channel {elastix.channel}"
    others = "one" if elastix.reach == 1 else f"{in_words(elastix.reach)} ones"
    lines = [
        f"Each section was registered rigidly (rotation and shift) on the next {others}, on {on}, smoothed by "
        f"{elastix.smoothing_um:g} µm: from {elastix.ring_steps} rotations around the full circle, by the enhanced "
        "correlation coefficient from coarse to fine [ecc], and at last by elastix [elastix, shamonin] through "
        f"SimpleElastix [simpleelastix]{'' if '[elastix] rigid' in unknown else f', with {_engine(settings)}'}.",
        "Pairs that contradict others, as the loop over three sections does not close, were registered again, and not "
        "used where they still did.",
    ]
    if elastix.finer_factor and _was_made(source, "PairFiner"):
        lines.append(f"Neighbours were refined once more, at {elastix.finer_factor} pixels of the scan per pixel.")
    return lines


def _engine(settings: Settings) -> str:
    """elastix' metric and optimizer, as its parameters have them."""
    rigid = settings.elastix.rigid
    metrics = {"AdvancedMattesMutualInformation": "mutual information [mattes]"}
    optimizers = {"AdaptiveStochasticGradientDescent": "adaptive stochastic gradient descent [asgd]"}
    metric, optimizer = str(rigid.get("Metric", "")), str(rigid.get("Optimizer", ""))
    return f"{metrics.get(metric, _said(metric))} and {optimizers.get(optimizer, _said(optimizer))}"


def _stack(source: Source) -> list[str]:
    plan, table = source.plan, alignment_table(source.plan)
    if not table.sections:
        return []
    lines = [
        "All pairs were solved together for one rotation and shift of each section by robust least squares "
        "[triggs, scipy], in which contradicting pairs count little."
    ]
    lines += [HELD_BY[one] for one in plan.settings.shape.kinds]
    by_hand = sum(one.by_hand for one in table.sections)
    failed = sum(one.verdict == "failed" for one in table.sections)
    lines.append(f"{were(by_hand, 'section')} placed by hand." if by_hand else "No section was placed by hand.")
    if failed:
        lines.append(f"{were(failed, 'section')} left out, as no other fitted on it.")
    if plan.settings.deformation.grid_um and _was_made(source, "Deformation"):
        lines.append(
            f"What was left of stretched tissue was bent onto the mean of the two neighbours by splines on a grid of "
            f"{plan.settings.deformation.grid_um:g} µm, by {plan.settings.deformation.largest_um:g} µm at most."
        )
    if _was_made(source, "Alignment"):
        lines.append(
            f"Sections were resampled once, by {plan.settings.alignment.interpolation} interpolation, with OpenCV "
            "[opencv]."
        )
    return lines


def _volume(source: Source) -> list[str]:
    plan = source.plan
    lines = []
    if _was_made(source, "NeuroglancerImage"):
        full = any(source.progress.stamps.read(one) is not None for one in plan.asked("FullDownsampling"))
        size = "" if source.pixel_size_um is None else f" with voxels of {source.pixel_size_um:.4g} µm"
        whole = " and at the scan's resolution" if full else ""
        lines.append(
            f"The aligned sections were written as volumes{size}{whole} in the precomputed format of Neuroglancer "
            "[neuroglancer], in which they are looked at."
        )
    if _was_made(source, "Shell"):
        lines.append(
            "The brain's surface was found from the aligned masks, smoothed by "
            f"{plan.settings.shell.smoothing_um:g} µm, by marching cubes [marching] with zmesh [zmesh]."
        )
    return lines


def _software(source: Source) -> list[str]:
    names = {"numpy": "NumPy", "scipy": "SciPy", "scikit-image": "scikit-image", "tifffile": "tifffile"}
    cited = {"numpy": "numpy", "scipy": "scipy", "scikit-image": "skimage", "tifffile": "tifffile"}
    versions = packages_of(source)
    words = [" ".join([shown, *_joined(versions.get(name, ())), f"[{cited[name]}]"]) for name, shown in names.items()]
    stages = sum(_was_made(source, stage) for stage in STAGES)
    return [f"The software stands on {', '.join(words[:-1])} and {words[-1]}."] if stages else []


def _joined(versions: Sequence[str]) -> list[str]:
    """As one word of a sentence; none where no version is known."""
    return [" and ".join(versions)] if versions else []
