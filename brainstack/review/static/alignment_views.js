// The stack from the side and from above. The column of the section that is moved follows at once, drawn from its own
// picture; once it is saved, the server cuts the whole stack anew.
"use strict";
const alignmentViews = (() => {
  const SLAB = 0.03;  // of the canvas, as brainstack/images/stack_views.py cuts it

  function make(root, chosen) {
    const canvases = [...root.querySelectorAll("canvas[data-view]")];
    const pictures = new Map();
    let stack = null, number = -1;

    async function load(anew) {
      stack = anew;
      await Promise.all(canvases.map(async canvas => {
        const {view, when} = canvas.dataset;
        const blob = await review.ask("GET", `/${review.animal}/alignment/views/${view}.png?when=${when}`);
        pictures.set(canvas, await createImageBitmap(blob));
        draw(canvas);
      }));
    }

    function draw(canvas) {
      const picture = pictures.get(canvas);
      if (!picture) return;
      Object.assign(canvas, {width: picture.width * 4, height: picture.height});
      const context = canvas.getContext("2d");
      context.imageSmoothingEnabled = false;
      context.drawImage(picture, 0, 0, canvas.width, canvas.height);
      if (number < 0) return;
      context.fillStyle = "#ffb000";
      for (const y of [0, canvas.height - canvas.height / 30])
        context.fillRect(number * 4, y, 4, canvas.height / 30);
    }

    function mark(section) {
      number = section ? section.number : -1;
      canvases.forEach(draw);
    }

    // How the column of a section looks with another place. map : canvas to cleaned; picture : of it,
    // bright on dark.
    function follow(section, map, picture) {
      const [rows, columns] = stack.canvas;
      for (const canvas of canvases.filter(one => one.dataset.when === "after")) {
        if (!pictures.has(canvas)) continue;
        const isSide = canvas.dataset.view === "side", long = isSide ? rows : columns, wide = isSide ? columns : rows;
        const thick = Math.max(1, Math.round(SLAB * wide)), scale = pictures.get(canvas).height / long;
        const slab = Object.assign(document.createElement("canvas"),
          isSide ? {width: thick, height: Math.round(long * scale)} : {width: Math.round(long * scale), height: thick});
        const context = slab.getContext("2d"), first = (wide - thick) / 2;
        context.fillRect(0, 0, slab.width, slab.height);
        if (isSide) { context.scale(1, scale); context.translate(-first, 0); }
        else { context.scale(scale, 1); context.translate(0, -first); }
        const [a, b, c, d, e, f] = geometry.drawn(map, [stack.cleaned[1] / picture.width, stack.cleaned[0] / picture.height]);
        context.transform(a, d, b, e, c, f);
        context.drawImage(picture, 0, 0);
        const line = Object.assign(document.createElement("canvas"),  // its mean across, as the server's
          isSide ? {width: 1, height: slab.height} : {width: slab.width, height: 1});
        const thin = line.getContext("2d");
        thin.imageSmoothingQuality = "high";
        thin.drawImage(slab, 0, 0, line.width, line.height);
        draw(canvas);
        const on = canvas.getContext("2d");
        if (isSide) on.drawImage(line, section.number * 4, 0, 4, canvas.height);
        else {
          on.save();
          on.transform(0, 1, 1, 0, section.number * 4, 0);  // its columns go down
          on.drawImage(line, 0, 0, canvas.height, 4);
          on.restore();
        }
      }
    }

    for (const canvas of canvases) canvas.addEventListener("click", event => {
      if (!stack) return;
      const at = Math.floor(event.offsetX / canvas.clientWidth * stack.slots);
      chosen(at);
    });

    return {load, mark, follow};
  }

  return {make};
})();
