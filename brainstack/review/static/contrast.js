// The page of contrast: a histogram for each channel, the range that it is shown in, and sections in that range.
"use strict";
(() => {
  const here = `/${review.animal}/contrast`;
  const WIDE = 1200, HIGH = 190, LEFT = 62, RIGHT = 16, TOP = 22, BOTTOM = 24;
  const SVG = "http://www.w3.org/2000/svg";

  function drawn(name, attributes, text) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return made;
  }

  const short = number => number >= 1e6 ? `${number / 1e6}M` : number >= 1e3 ? `${number / 1e3}k` : String(number);
  const when = at => at ? `${at.slice(0, 16).replace("T", " ")} UTC` : "";

  class Channel {
    constructor(root) {
      this.root = root;
      this.number = root.dataset.channel;
      this.find = name => root.querySelector(name);
      this.find(".save")?.addEventListener("click", () => this.saveNumbers());
      this.find(".computed")?.addEventListener("click", () => this.save(null));
      for (const name of [".low", ".high"]) {
        this.find(name)?.addEventListener("change", () => this.fromNumbers());
        this.find(name)?.addEventListener("keydown", event => { if (event.key === "Enter") this.saveNumbers(); });
      }
    }

    async load() {
      try {
        this.take(await review.ask("GET", `${here}/${this.number}.json`));
      } catch (failed) {
        review.complain(failed.message);
      }
    }

    take(told) {
      this.told = told;
      this.saved = told.viewer ? told.viewer.map(Math.round) : null;
      this.range = this.saved && [...this.saved];
      this.plot();
      this.describe();
      this.samples();
    }

    // What is drawn

    plot() {
      const table = this.told.histogram, place = this.find(".plot");
      if (!table) {
        place.textContent = "There is no histogram of this channel yet; the next run makes it.";
        return;
      }
      const columns = Object.keys(table).filter(name => !["from", "to"].includes(name));
      const count = table.from.length, type = table.to[count - 1] + 1;
      // the rows behind the axis, and the type's highest value, are said in words
      const width = table.to[0] - table.from[0] + 1;
      const rows = [...table.from.keys()].filter(row => table.to[row] - table.from[row] < width);
      const lastRow = rows.filter(row => table.to[row] < type - 1 || width === 1).at(-1) ?? rows.at(-1);
      const wanted = [this.told.web, this.told.viewer, this.told.computed_viewer].filter(Boolean).map(range => range[1]);
      this.end = Math.min(type, Math.max(table.to[lastRow] + 1, ...wanted.map(level => level * 1.05)));
      const tallest = Math.max(10, ...columns.flatMap(name => rows.map(row => table[name][row])));
      const decades = Math.ceil(Math.log10(tallest));
      this.x = level => LEFT + (WIDE - LEFT - RIGHT) * Math.min(1, level / this.end);
      const y = pixels => pixels < 1 ? HIGH - BOTTOM : HIGH - BOTTOM - (HIGH - TOP - BOTTOM) * (Math.log10(pixels) + 0.3) / (decades + 0.3);
      const svg = this.svg = drawn("svg", {viewBox: `0 0 ${WIDE} ${HIGH}`});
      for (let power = 0; power <= decades; power++) {
        const at = y(10 ** power);
        svg.append(drawn("line", {class: "grid", x1: LEFT, x2: WIDE - RIGHT, y1: at, y2: at}));
        if (decades < 5 || power % 2 === 0) svg.append(drawn("text", {x: LEFT - 6, y: at + 4, "text-anchor": "end"}, short(10 ** power)));
      }
      svg.append(drawn("text", {x: 2, y: 12}, "pixels"));
      for (const tick of ticks(this.end)) {
        const at = this.x(tick);
        svg.append(drawn("line", {class: "axis", x1: at, x2: at, y1: HIGH - BOTTOM, y2: HIGH - BOTTOM + 4}),
          drawn("text", {x: at, y: HIGH - 7, "text-anchor": "middle"}, String(tick)));
      }
      if (columns.length === 1) {
        const shape = rows.map(row => `L${this.x(table.from[row]).toFixed(1)} ${y(table.pixels[row]).toFixed(1)}L${this.x(table.to[row] + 1).toFixed(1)} ${y(table.pixels[row]).toFixed(1)}`);
        svg.append(drawn("path", {class: "bars", d: `M${LEFT} ${HIGH - BOTTOM}${shape.join("")}V${HIGH - BOTTOM}Z`}));
      } else for (const name of columns)
        svg.append(drawn("path", {class: `curve ${name}`, d: rows.map((row, at) => `${at ? "L" : "M"}${this.x(table.from[row] + 0.5).toFixed(1)} ${y(table[name][row]).toFixed(1)}`).join("")}));
      svg.append(drawn("line", {class: "axis", x1: LEFT, x2: WIDE - RIGHT, y1: HIGH - BOTTOM, y2: HIGH - BOTTOM}));
      if (this.told.white_point) this.told.white_point.forEach((level, at) => svg.append(
        drawn("line", {class: `${["red", "green", "blue"][at]}`, x1: this.x(level), x2: this.x(level), y1: TOP, y2: HIGH - BOTTOM, "stroke-dasharray": "5 4"})));
      if (this.range) this.marks();
      place.replaceChildren(svg);
    }

    marks() {
      const line = (level, name) => this.svg.append(drawn("line", {class: name, x1: this.x(level), x2: this.x(level), y1: TOP, y2: HIGH - BOTTOM}));
      if (this.told.by_hand) this.told.computed_viewer?.forEach(level => line(level, "computed"));
      if (this.told.web && !this.told.by_hand) this.told.web.forEach(level => line(level, "web"));
      this.shades = [0, 1].map(() => drawn("rect", {class: "outside", y: TOP, height: HIGH - TOP - BOTTOM}));
      this.handles = [0, 1].map(which => {
        const handle = drawn("g", {class: "handle", tabindex: review.mayEdit ? 0 : -1, role: "slider", "aria-label": which ? "white" : "black",
          "aria-valuemin": 0, "aria-valuemax": this.told.highest});
        handle.append(drawn("rect", {x: -9, y: 0, width: 18, height: HIGH - BOTTOM, fill: "transparent"}),
          drawn("line", {class: "end", x1: 0, x2: 0, y1: TOP - 6, y2: HIGH - BOTTOM}),
          drawn("path", {class: "grip", d: "M-7 2h14v9l-7 7l-7-7z"}), drawn("text", {class: "mark", x: which ? 11 : -11, y: 14, "text-anchor": which ? "start" : "end"}));
        if (review.mayEdit) this.dragged(handle, which);
        return handle;
      });
      this.svg.append(...this.shades, ...this.handles);
      this.move();
    }

    move() {
      const [low, high] = this.range.map(level => this.x(level));
      Object.entries({x: LEFT, width: Math.max(0, low - LEFT)}).forEach(([name, value]) => this.shades[0].setAttribute(name, value));
      Object.entries({x: high, width: Math.max(0, WIDE - RIGHT - high)}).forEach(([name, value]) => this.shades[1].setAttribute(name, value));
      this.handles.forEach((handle, which) => {
        const level = this.range[which], at = this.x(level), label = handle.querySelector("text");
        handle.setAttribute("transform", `translate(${at} 0)`);
        handle.setAttribute("aria-valuenow", level);
        const isLeft = which ? at > WIDE - 90 : at > LEFT + 60;
        label.setAttribute("x", isLeft ? -11 : 11);
        label.setAttribute("text-anchor", isLeft ? "end" : "start");
        label.textContent = `${which ? "white" : "black"} ${level}${level > this.end ? " \u2192" : ""}`;
      });
      if (!this.find(".low")) return;
      [this.find(".low").value, this.find(".high").value] = this.range;
      this.find(".save").disabled = this.range.every((level, which) => level === this.saved[which]);
      this.find(".computed").disabled = !this.told.by_hand && this.find(".save").disabled;
    }

    // What a person does

    dragged(handle, which) {
      const set = level => {
        const most = which ? this.told.highest : this.range[1] - 1, least = which ? this.range[0] + 1 : 0;
        this.range[which] = Math.round(Math.min(most, Math.max(least, level)));
        this.move();
        this.samples();
      };
      handle.addEventListener("pointerdown", event => { handle.setPointerCapture(event.pointerId); handle.focus(); event.preventDefault(); });
      handle.addEventListener("pointermove", event => {
        if (!handle.hasPointerCapture(event.pointerId)) return;
        const box = this.svg.getBoundingClientRect();
        const at = (event.clientX - box.left) / box.width * WIDE;
        set((at - LEFT) / (WIDE - LEFT - RIGHT) * this.end);
      });
      handle.addEventListener("keydown", event => {
        const step = {ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1}[event.key];
        if (event.key === "Enter") this.save(this.range);
        if (event.key === "Escape") { this.range = [...this.saved]; this.move(); this.samples(); }
        if (!step) return;
        event.preventDefault();
        set(this.range[which] + step * Math.max(1, Math.round(this.end / (event.shiftKey ? 40 : 400))));
      });
    }

    // Takes the two numbers, and says whether they are a range. Black above the white that was is left as it was typed:
    // the white may be typed next.
    fromNumbers(isWhole = false) {
      if (!this.range) return false;
      const typed = [".low", ".high"].map(name => this.find(name).value), [low, high] = typed.map(Number);
      const areLevels = typed.every(text => text !== "") && [low, high].every(level => Number.isInteger(level) && level >= 0 && level <= this.told.highest);
      if (areLevels && low >= high && !isWhole) {
        this.find(".save").disabled = false;  // which says what is wrong
        return false;
      }
      if (!areLevels || low >= high) {
        review.complain(`Wanted two whole grey values from 0 to ${this.told.highest}, the lower one first; nothing was saved.`);
        if (!areLevels) this.move();
        return false;
      }
      review.complain("");
      this.range = [low, high];
      this.move();
      this.samples();
      return true;
    }

    saveNumbers() {
      if (this.fromNumbers(true)) this.save(this.range);
    }

    async save(range) {
      if (!this.told) return;
      const [low, high] = range || [null, null];
      try {
        this.take(await review.change("POST", `${here}/${this.number}`, {low, high, seen: this.told.seen}));
      } catch (failed) {
        if (failed.status === 409) { await this.load(); review.complain(failed.message); }
      }
    }

    // In words, and in pictures

    describe() {
      const {told} = this, state = this.find(".state"), words = this.find(".words");
      const range = ([low, high]) => `${Math.round(low)} to ${Math.round(high)}`;
      if (told.is_colour) {
        state.textContent = told.white_point ? `white point: red, green, blue ${told.white_point.join(", ")}` : "its white point is not measured yet";
        if (told.white_point) for (const figure of this.root.querySelectorAll("figure"))
          Object.assign(figure.style, {backgroundColor: `rgb(${told.white_point.join(",")})`, color: "#333"});
        words.textContent = told.white_point ? "dashed: the colour of the glass, which is shown as it is" : "";
        return;
      }
      if (told.gain === null) {
        state.textContent = "its gain is not known yet; the next run finds it";
        return;
      }
      const {by_hand: hand} = told;
      state.textContent = hand ? `set by hand: ${hand.low} to ${hand.high}, by ${hand.person || "nobody named"}, ${when(hand.at)}` : "computed from gain and histogram";
      const said = [`Neuroglancer: ${range(told.viewer)}`];
      if (told.web) said.push(`web pictures: ${range(told.web)}${hand ? "" : " (green, dashed)"}`);
      if (hand && told.computed_viewer) said.push(`computed would be ${range(told.computed_viewer)}${told.computed_web ? `, and ${range(told.computed_web)} in web pictures` : ""} (grey, dotted)`);
      said.push(`gain ${told.gain.toPrecision(4)}`);
      const beyond = this.beyond();
      if (beyond) said.push(beyond);
      words.textContent = said.join("; ");
    }

    beyond() {
      const {from, to, pixels} = this.told.histogram || {from: []};
      if (!from.length || !pixels) return "";
      const brighter = from.reduce((sum, level, row) => sum + (level >= this.end && to[row] < this.told.highest ? pixels[row] : 0), 0);
      return `${brighter.toLocaleString("en")} pixels brighter than this axis, ${pixels.at(-1).toLocaleString("en")} saturated`;
    }

    // The pictures follow, one after the other: never more than one is on its way for each
    samples() {
      for (const figure of this.root.querySelectorAll("figure")) {
        if (figure.dataset.key) this.sample(figure);
      }
    }

    async sample(figure) {
      figure.wanted = this.range ? this.range.join(",") : "as it is";
      if (figure.isBusy) return;
      figure.isBusy = true;
      const image = figure.querySelector("img");
      while (figure.shown !== `${figure.dataset.key} ${figure.wanted}`) {
        const key = figure.dataset.key, range = figure.wanted.split(",");
        const query = range.length === 2 ? `?low=${range[0]}&high=${range[1]}` : "";
        figure.shown = `${key} ${figure.wanted}`;
        await new Promise(resolve => {
          image.onload = image.onerror = resolve;
          image.loading = "eager";
          image.src = `${here}/${this.number}/pictures/${encodeURIComponent(key)}.jpg${query}`;
        });
        figure.querySelector("figcaption").textContent = `${figure.dataset.words}${image.naturalWidth ? "" : ": not aligned yet"}`;
      }
      figure.isBusy = false;
    }
  }

  function ticks(end) {
    const rough = end / 8, power = 10 ** Math.floor(Math.log10(rough));
    const step = Math.max(1, power * [1, 2, 5, 10].find(one => one * power >= rough));
    return Array.from({length: Math.floor(end / step) + 1}, (_, at) => at * step);
  }

  const channels = [...document.querySelectorAll(".channel")].map(root => new Channel(root));
  for (const one of channels) one.load();
  document.getElementById("another")?.addEventListener("change", event => {
    for (const one of channels) {
      const figure = one.find(".another");
      figure.dataset.key = event.target.value;
      figure.dataset.words = `section ${event.target.selectedOptions[0].textContent}`;
      figure.hidden = !event.target.value;
      if (event.target.value && one.told) one.sample(figure);
    }
  });
})();
