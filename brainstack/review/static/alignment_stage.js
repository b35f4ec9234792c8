// The pictures of a section and its neighbours, drawn where they lie on the aligned canvas.
"use strict";
const alignmentStage = (() => {
  const OWN = "#00ff00", OTHER = "#ff00ff";  // added up they are white
  const TILES = 8;                           // of the checkerboard, across the shorter side of the canvas
  const KEPT = 24;                           // pictures

  // holder : element. told : {moved(key, map)}: where a person puts the section.
  function make(holder, told) {
    const stage = new Konva.Stage({container: holder, width: holder.clientWidth, height: holder.clientHeight});
    const layer = new Konva.Layer({imageSmoothingEnabled: true});
    const handles = new Konva.Layer();
    stage.add(layer, handles);
    let canvas = [1, 1], cleaned = [1, 1], glass = [0, 0, 0], isColour = false;
    let shown = [], own = null, timer = 0, mode = "flicker", isMoving = false, speed = 3, turn = 0;
    let background = null;

    function begin(stack) {
      [canvas, cleaned, glass, isColour] = [stack.canvas, stack.cleaned, stack.glass, stack.is_colour];
      fit();
    }

    function fit() {
      stage.size({width: holder.clientWidth, height: holder.clientHeight});
      const scale = Math.min(stage.width() / canvas[1], stage.height() / canvas[0]);
      stage.scale({x: scale, y: scale});
      stage.position({x: (stage.width() - scale * canvas[1]) / 2, y: (stage.height() - scale * canvas[0]) / 2});
      placeHandle();
    }

    // sections : [{key, map, picture, isOwn}], the own one last; picture : an image that is loaded.
    function show(sections, how) {
      clearInterval(timer);
      mode = how;
      layer.destroyChildren();
      background = new Konva.Rect({x: 0, y: 0, width: canvas[1], height: canvas[0], listening: false,
        fill: mode === "overlay" ? "#000" : `rgb(${glass.join(",")})`});
      layer.add(background);
      holder.style.backgroundColor = background.fill();
      shown = sections.map((one, place) => {
        const node = new Konva.Image({image: dressed(one), listening: false});
        if (mode === "overlay") node.globalCompositeOperation("lighter");
        put(node, one.map, one.picture);
        const group = new Konva.Group(mode === "checkerboard" && sections.length > 1 ?
          {clipFunc: context => tiles(context, place, sections.length)} : {});
        group.add(node);
        layer.add(group);
        return {...one, node, group};
      });
      const was = own;
      own = shown.find(one => one.isOwn) || null;
      if (own?.key !== was?.key && drag?.kind !== "look") drag = null;  // it was of the section that was shown
      if (mode === "flicker" && shown.length > 1) flicker();
      placeHandle();
      layer.batchDraw();
    }

    function dressed(one) {
      if (mode !== "overlay") return one.picture;
      const name = one.isOwn ? OWN : OTHER;
      one.picture.dressed = one.picture.dressed || {};
      return one.picture.dressed[name] = one.picture.dressed[name] || tinted(one.picture, name, isColour ? glass : null);
    }

    function put(node, map, picture) {
      const scale = [cleaned[1] / picture.naturalWidth, cleaned[0] / picture.naturalHeight];
      const [a, b, c, d, e, f] = geometry.drawn(map, scale);
      const side = a * e - b * d < 0 ? -1 : 1;
      node.setAttrs({x: c, y: f, rotation: Math.atan2(-b, e) * 180 / Math.PI,
        scaleX: side * Math.hypot(a, d), scaleY: Math.hypot(b, e), offsetX: 0, offsetY: 0});
    }

    function tiles(context, which, count) {
      const side = Math.min(...canvas) / TILES;
      for (let row = 0; row * side < canvas[0]; row++)
        for (let column = 0; column * side < canvas[1]; column++)
          if ((row + column) % count === which) context.rect(column * side, row * side, side, side);
    }

    function flicker() {
      const round = shown.length === 3 ? [0, 2, 1, 2] : [0, 1];
      const step = () => {
        turn = (turn + 1) % round.length;
        shown.forEach((one, place) => one.group.visible(place === round[turn] || (isMoving && one.isOwn)));
        layer.batchDraw();
      };
      step();
      timer = setInterval(step, 1000 / speed);
    }

    function setSpeed(times) {
      speed = times;
      if (mode === "flicker" && shown.length > 1) { clearInterval(timer); flicker(); }
    }

    function place(map) {
      if (!own) return;
      own.map = map;
      put(own.node, map, own.picture);
      placeHandle();
      layer.batchDraw();
    }

    // Moving by hand

    const handle = new Konva.Circle({radius: 9, fill: "#e0a100", stroke: "#fff", strokeWidth: 2, strokeScaleEnabled: false});
    const stem = new Konva.Line({stroke: "#e0a100", strokeWidth: 2, strokeScaleEnabled: false, listening: false});
    handles.add(stem, handle);
    handles.visible(false);

    const middle = () => geometry.moved(geometry.inverse(own.map), geometry.centre(cleaned));
    const atPointer = () => {
      const at = stage.getAbsoluteTransform().copy().invert().point(stage.getPointerPosition() || {x: 0, y: 0});
      return [at.x - 0.5, at.y - 0.5];
    };

    function placeHandle() {
      handles.visible(isMoving && own !== null);
      if (handles.visible()) {
        const [x, y] = middle().map(one => one + 0.5), size = stage.scaleX();
        const up = geometry.parts(own.map, cleaned).rotation, long = 0.42 * Math.min(...canvas);
        const at = [x - long * Math.sin(-up), y - long * Math.cos(-up)];
        stem.points([x, y, ...at]);
        handle.setAttrs({x: at[0], y: at[1], scaleX: 1 / size, scaleY: 1 / size});
      }
      handles.batchDraw();
    }

    function setMoving(on) {
      isMoving = on;
      holder.classList.toggle("moving", on);
      if (mode === "flicker" && shown.length > 1) { clearInterval(timer); flicker(); }
      placeHandle();
    }

    let drag = null;
    stage.on("pointerdown", event => {
      holder.focus({preventScroll: true});
      const at = atPointer();
      const kind = !isMoving || !own || event.evt.button !== 0 ? "look" : event.target === handle ? "turn" : "move";
      drag = {kind, at, screen: stage.getPointerPosition(), position: stage.position(), key: own && own.key, map: own && own.map,
        middle: own && middle()};
      event.evt.preventDefault();
    });
    window.addEventListener("pointermove", event => {
      if (!drag) return;
      stage.setPointersPositions(event);
      if (drag.kind === "look") {
        const now = stage.getPointerPosition();
        stage.position({x: drag.position.x + now.x - drag.screen.x, y: drag.position.y + now.y - drag.screen.y});
        return;
      }
      const at = atPointer();
      if (drag.kind === "move") told.moved(drag.key, geometry.pushed(drag.map, at[0] - drag.at[0], at[1] - drag.at[1]));
      else {
        const angle = point => Math.atan2(point[1] - drag.middle[1], point[0] - drag.middle[0]);
        told.moved(drag.key, geometry.turned(drag.map, angle(at) - angle(drag.at), drag.middle));
      }
    });
    for (const end of ["pointerup", "pointercancel", "blur"]) window.addEventListener(end, () => { drag = null; });
    holder.addEventListener("contextmenu", event => event.preventDefault());
    stage.on("wheel", event => {
      event.evt.preventDefault();
      const [x, y] = atPointer().map(one => one + 0.5), on = stage.getPointerPosition();
      const scale = Math.min(40, Math.max(0.05, stage.scaleX() * (event.evt.deltaY < 0 ? 1.15 : 1 / 1.15)));
      stage.scale({x: scale, y: scale});
      stage.position({x: on.x - x * scale, y: on.y - y * scale});
      placeHandle();
    });
    new ResizeObserver(() => { if (holder.clientWidth) fit(); }).observe(holder);

    // What is drawn on the canvas, a pixel a pixel: for tests, and for whoever wants the picture.
    function asDrawn() {
      const kept = {scale: stage.scale(), position: stage.position(), size: stage.size()};
      stage.setAttrs({scaleX: 1, scaleY: 1, x: 0, y: 0, width: canvas[1], height: canvas[0]});
      const picture = layer.toCanvas({x: 0, y: 0, width: canvas[1], height: canvas[0], pixelRatio: 1});
      stage.setAttrs({scaleX: kept.scale.x, scaleY: kept.scale.y, ...kept.position, ...kept.size});
      return picture;
    }

    // The section's picture, bright on dark whatever its stain.
    function bright() {
      if (!isColour) return own.picture;
      return own.picture.bright = own.picture.bright || tinted(own.picture, "#ffffff", glass);
    }

    return {begin, fit, show, place, setSpeed, setMoving, asDrawn, bright, middle: () => own && middle(),
      get own() { return own; }, stage};
  }

  // A picture in one colour. glass : of a colour scan, which shines by how much darker than it a pixel is.
  function tinted(picture, colour, glass) {
    const made = Object.assign(document.createElement("canvas"), {width: picture.naturalWidth, height: picture.naturalHeight});
    const context = made.getContext("2d", {willReadFrequently: Boolean(glass)});
    context.drawImage(picture, 0, 0);
    if (glass) {
      const pixels = context.getImageData(0, 0, made.width, made.height), values = pixels.data;
      const luminance = (r, g, b) => 0.299 * r + 0.587 * g + 0.114 * b, white = luminance(...glass);
      for (let i = 0; i < values.length; i += 4)
        values[i] = values[i + 1] = values[i + 2] = Math.max(0, white - luminance(values[i], values[i + 1], values[i + 2]));
      context.putImageData(pixels, 0, 0);
    }
    context.globalCompositeOperation = "multiply";
    context.fillStyle = colour;
    context.fillRect(0, 0, made.width, made.height);
    return made;
  }

  // Pictures by address, the last ones that were asked for.
  const loaded = new Map();
  function load(url) {
    const found = loaded.get(url);
    if (found) { loaded.delete(url); loaded.set(url, found); return found; }
    const promise = new Promise((resolve, reject) => {
      const picture = new Image();
      picture.onload = () => resolve(picture);
      picture.onerror = () => { loaded.delete(url); reject(new Error("The picture of this section cannot be had; the next run makes it.")); };
      picture.src = url;
    });
    loaded.set(url, promise);
    if (loaded.size > KEPT) loaded.delete(loaded.keys().next().value);
    return promise;
  }

  return {make, load};
})();
