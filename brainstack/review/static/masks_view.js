// What is seen: the section's picture, the mask's outline and the proposal's, and the tool in the hand.

import {Outline} from "./masks_bits.js";

const MASK = "#ffa000", PROPOSAL = "#4dd0ff";
const TINT = 0x17_00_a0_ff;  // ABGR: the same orange, hardly there
const LARGEST_SCALE = 40;

export class View {
  constructor(container) {
    this.container = container;
    this.stage = new Konva.Stage({container, width: container.clientWidth, height: container.clientHeight});
    const options = {listening: false};
    [this.pictures, this.overlay, this.tools] = [0, 1, 2].map(() => new Konva.Layer(options));
    this.stage.add(this.pictures, this.overlay, this.tools);
    this.picture = new Konva.Image({image: undefined, listening: false});
    this.pictures.add(this.picture);
    this.tintCanvas = document.createElement("canvas");
    this.tint = new Konva.Image({image: this.tintCanvas, listening: false});
    this.lines = new Konva.Shape({listening: false, sceneFunc: () => this.#drawLines()});
    this.overlay.add(this.tint, this.lines);
    this.ring = new Konva.Circle({strokeScaleEnabled: false, strokeWidth: 1.5, visible: false});
    this.lasso = new Konva.Line({strokeScaleEnabled: false, strokeWidth: 1.5, visible: false, dash: [6, 4], dashEnabled: true});
    this.tools.add(this.ring, this.lasso);
    new ResizeObserver(() => this.#resize()).observe(container);
  }

  // picture: an ImageBitmap, or null. bits: the mask, which `refresh` says changes of. outline: of it.
  show({picture, bits, outline, proposal}) {
    const isOtherSize = !this.bits || this.bits.columns !== bits.columns || this.bits.rows !== bits.rows;
    Object.assign(this, {bits, outline, proposal: proposal && new Outline(proposal)});
    this.tintCanvas.width = bits.columns;
    this.tintCanvas.height = bits.rows;
    this.tint.image(this.tintCanvas);
    this.setPicture(picture);
    this.#tint([0, bits.rows]);
    if (isOtherSize || this.isFitted) this.fit();
  }

  setProposal(proposal) {
    this.proposal = new Outline(proposal);
    this.overlay.batchDraw();
  }

  setPicture(picture) {
    this.picture.image(picture || undefined);
    this.picture.size({width: this.bits.columns, height: this.bits.rows});
    this.pictures.batchDraw();
  }

  // The mask changed in these rows.
  refresh(band) {
    this.outline.refresh(band);
    this.#tint(band);
  }

  #tint([top, bottom]) {
    const {columns, data} = this.bits;
    if (bottom > top) {
      const image = new ImageData(columns, bottom - top), words = new Uint32Array(image.data.buffer);
      for (let i = 0, at = top * columns; i < words.length; i++, at++) if (data[at]) words[i] = TINT;
      this.tintCanvas.getContext("2d").putImageData(image, 0, top);
    }
    this.overlay.batchDraw();
  }

  #drawLines() {
    const context = this.overlay.getNativeCanvasElement().getContext("2d"), px = 1 / this.stage.scaleX();
    const stroke = (outline, colour, width) => {
      context.strokeStyle = colour;
      context.lineWidth = width * px;
      context.stroke(outline.toPath());
    };
    if (!this.bits) return;
    if (this.proposal) stroke(this.proposal, PROPOSAL, 1);
    stroke(this.outline, "rgba(0, 0, 0, .55)", 3.5);
    stroke(this.outline, MASK, 1.6);
  }

  setVisible(isVisible) { this.overlay.visible(isVisible); }

  // Grey values of the picture, 0 to 255, that are black and white.
  setContrast(black, white) {
    const gain = 255 / Math.max(1, white - black), contrast = 1 + 2 * gain * black / 255;
    this.pictures.getNativeCanvasElement().style.filter = `brightness(${gain / contrast}) contrast(${contrast})`;
  }

  // Where something is on the picture. event: of a pointer.
  place(event) {
    const box = this.container.getBoundingClientRect();
    return this.stage.getAbsoluteTransform().copy().invert()
      .point({x: event.clientX - box.left, y: event.clientY - box.top});
  }

  fit() {
    if (!this.bits) return;
    const {columns, rows} = this.bits, margin = 16;
    const width = this.stage.width() - 2 * margin, height = this.stage.height() - 2 * margin;
    const scale = Math.max(0.01, Math.min(width / columns, height / rows));
    this.#move(scale, (this.stage.width() - columns * scale) / 2, (this.stage.height() - rows * scale) / 2);
    this.isFitted = true;
  }

  // at: in the window's pixels, the point that stays where it is; the middle where there is none.
  zoom(factor, at) {
    const box = this.container.getBoundingClientRect(), old = this.stage.scaleX();
    const x = at ? at.clientX - box.left : box.width / 2, y = at ? at.clientY - box.top : box.height / 2;
    const scale = Math.min(LARGEST_SCALE, Math.max(0.02, old * factor)), ratio = scale / old;
    this.#move(scale, x - (x - this.stage.x()) * ratio, y - (y - this.stage.y()) * ratio);
  }

  pan(right, down) { this.#move(this.stage.scaleX(), this.stage.x() + right, this.stage.y() + down); }

  #move(scale, x, y) {
    this.isFitted = false;
    this.stage.scale({x: scale, y: scale});
    this.stage.position({x, y});
    for (const layer of [this.pictures, this.overlay]) layer.imageSmoothingEnabled(scale < 1);  // above, pixels are seen
    this.stage.batchDraw();
    Object.assign(this.container.dataset, {scale, left: x, top: y});
  }

  // Nothing moves below a hand that is at work, whatever happens around the picture.
  hold(isHeld) {
    this.isHeld = isHeld;
    if (!isHeld && this.isToResize) this.#resize();
  }

  #resize() {
    this.isToResize = this.isHeld;
    if (this.isHeld) return;
    const isFitted = this.isFitted;
    this.stage.size({width: this.container.clientWidth, height: this.container.clientHeight});
    if (isFitted !== false) this.fit();
  }

  // The brush's rim. at: on the picture; null hides it.
  showRing(at, radius, isErasing) {
    this.ring.visible(at !== null);
    if (at) this.ring.setAttrs({x: at.x, y: at.y, radius, stroke: isErasing ? "#ff6b6b" : "#ffffff"});
    this.tools.batchDraw();
  }

  showLasso(points, isErasing) {
    this.lasso.visible(points.length > 1);
    this.lasso.setAttrs({points: points.flatMap(point => [point.x, point.y]), stroke: isErasing ? "#ff6b6b" : "#ffffff"});
    this.tools.batchDraw();
  }
}
