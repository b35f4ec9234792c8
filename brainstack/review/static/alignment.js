// The page of the alignment: which section is looked at, how it is compared, and what a person says of it.
"use strict";
const alignment = (() => {
  const main = document.getElementById("alignment");
  const find = id => document.getElementById(id);
  const here = `/${review.animal}/alignment`;
  const furthestUm = Number(main.dataset.furthestUm);
  const DEGREES = 180 / Math.PI;
  let stack = null, current = null, mode = "flicker", neighbours = "previous", distance = 1;
  let channel = main.dataset.channel, isMoving = false, sorted = {by: "", down: false}, asked = 0;
  const drafts = new Map();  // key -> map that is not saved yet

  const stage = alignmentStage.make(find("stage"), {moved: (key, map) => { if (key === current?.key) setDraft(map); }});
  const views = alignmentViews.make(main, number => {
    const near = stack.sections.reduce((best, one) => Math.abs(one.number - number) < Math.abs(best.number - number) ? one : best);
    choose(near.key);
  });

  const index = key => stack.sections.findIndex(one => one.key === key);
  const pictureOf = one => `${here}/pictures/${encodeURIComponent(one.key)}.jpg?channel=${channel}&v=${one.version}-${stack.whites[channel]}`;
  const near = steps => {  // the nearest that has a place, so many sections away or farther
    for (let at = index(current.key) + steps; at >= 0 && at < stack.sections.length; at += Math.sign(steps))
      if (stack.sections[at].after) return stack.sections[at];
    return null;
  };

  // Where a section is drawn: its draft, where it will lie, else as its nearest neighbour does
  function mapOf(one) {
    if (drafts.has(one.key)) return drafts.get(one.key);
    if (one.after) return one.after;
    const placed = stack.sections.filter(other => other.after);
    if (!placed.length) return null;
    return placed.reduce((best, other) => Math.abs(other.number - one.number) < Math.abs(best.number - one.number) ? other : best).after;
  }

  // The list

  const ORDER = {failed: 0, doubtful: 1, "": 2, good: 3};
  const isDoubtful = one => ["failed", "doubtful"].includes(one.verdict);
  const fixed = (number, digits) => number === null || number === undefined ? "-" : number.toFixed(digits);

  function listed() {
    const wanted = find("filter").value, text = find("search").value.trim().toLowerCase();
    const found = stack.sections.filter(one =>
      (wanted === "all" || (wanted === "hand" ? one.by_hand || one.seen : isDoubtful(one)))
      && (!text || String(one.number) === text || one.key.toLowerCase().includes(text)));
    const value = one => sorted.by === "verdict" ? ORDER[one.verdict] : one[sorted.by];
    return found.sort((one, other) => {
      if (!sorted.by) return (isDoubtful(other) - isDoubtful(one)) || ORDER[one.verdict] - ORDER[other.verdict] || one.number - other.number;
      const [a, b] = [value(one), value(other)];
      if (a === b) return one.number - other.number;
      if (a === null) return 1;
      if (b === null) return -1;
      return sorted.down ? b - a : a - b;
    });
  }

  function list() {
    const body = find("table").tBodies[0], rows = [];
    for (const one of listed()) {
      const row = document.createElement("tr");
      row.dataset.key = one.key;
      const verdict = `${one.verdict || "-"}${drafts.has(one.key) ? " (not saved)" : one.seen ? " (said)" : one.by_hand ? " (by hand)" : ""}`;
      const cells = [one.number, verdict, fixed(one.metric, 2), fixed(one.metric_before, 2), fixed(one.residual_um, 0),
        one.overlap === null ? "-" : `${(100 * one.overlap).toFixed(0)} %`];
      cells.forEach((text, at) => {
        const cell = row.insertCell();
        cell.textContent = text;
        if (at !== 1) cell.className = "number";
        else if (one.verdict) cell.className = one.verdict;
      });
      row.title = one.key;
      if (current && one.key === current.key) row.setAttribute("aria-current", "true");
      rows.push(row);
      if (isDoubtful(one) && one.reason) {
        row.classList.add("has-why");
        const why = document.createElement("tr");
        why.dataset.key = one.key;
        const cell = why.insertCell();
        Object.assign(cell, {colSpan: 6, className: "why", textContent: one.reason});
        rows.push(why);
      }
    }
    body.replaceChildren(...rows);
    find("missing").textContent = stack.missing ? `The next run still has to register ${stack.missing} ${stack.missing === 1 ? "pair" : "pairs"}: sections may lie a little otherwise than is shown here.` : "";
    const doubtful = stack.sections.filter(isDoubtful).length, hand = stack.sections.filter(one => one.by_hand).length;
    find("counts").textContent = `${stack.sections.length} sections, ${doubtful} doubtful or failed, ${hand} placed by hand`;
    for (const head of document.querySelectorAll("#table th"))
      head.setAttribute("aria-sort", head.dataset.sort !== sorted.by ? "none" : sorted.down ? "descending" : "ascending");
  }

  // What is seen

  function compared() {
    if (mode === "alone") return [];
    const steps = {previous: [-distance], next: [distance], both: [-distance, distance]}[neighbours];
    const found = steps.map(near).filter(one => one !== null);
    return found.length ? found : [near(-steps[0])].filter(one => one !== null);  // at an end of the stack: the other side
  }

  async function draw() {
    if (!current || !stack.canvas) return;
    const ticket = ++asked, others = compared();
    try {
      const pictures = await Promise.all([...others, current].map(one => alignmentStage.load(pictureOf(one))));
      if (ticket !== asked) return;
      const sections = [...others, current].map((one, at) =>
        ({key: one.key, map: mapOf(one), picture: pictures[at], isOwn: one === current})).filter(one => one.map);
      stage.show(sections, mode);
      main.dataset.shown = `${current.key} ${mode} ${others.map(one => one.key).join(" ")}`;
      review.complain(stack.error || "");
    } catch (failed) {
      if (ticket === asked) review.complain(failed.message);
    }
    legend(others);
    for (const steps of [distance, -distance, distance + 1, -distance - 1, 2, -2]) {
      const one = near(steps);
      if (one) alignmentStage.load(pictureOf(one)).catch(() => {});
    }
  }

  function legend(others) {
    const said = find("legend"), names = others.map(one => one.number).join(" and ");
    if (mode !== "alone" && !others.length) said.textContent = "No section so far away has a place.";
    else if (mode === "overlay") said.innerHTML = `<b class="own">green</b>: section ${current.number}; <b class="other">magenta</b>: ${names}; white where both are bright`;
    else said.textContent = {flicker: `section ${current.number} and ${names}, in turn`,
      checkerboard: `squares of section ${current.number} and of ${names}`, alone: `section ${current.number}`}[mode];
  }

  function choose(key) {
    const one = stack.sections[index(key)];
    if (!one) return;
    current = one;
    history.replaceState(null, "", `#${key}`);
    for (const row of document.querySelectorAll("#table tbody tr")) {
      row.toggleAttribute("aria-current", row.dataset.key === key);
      if (row.dataset.key === key && !row.querySelector(".why")) intoView(row);
    }
    describe();
    views.mark(one);
    notes.about(key, `section ${one.number} (${key})`);
    return draw();
  }

  // Only the list is scrolled, not the page.
  function intoView(row) {
    const list = row.closest(".table"), [box, inside] = [row.getBoundingClientRect(), list.getBoundingClientRect()];
    const above = inside.top + list.querySelector("thead").offsetHeight - box.top, below = box.bottom - inside.bottom;
    if (above > 0) list.scrollTop -= above; else if (below > 0) list.scrollTop += below;
  }

  function describe() {
    const one = current;
    find("title").textContent = `Section ${one.number}, ${one.key}`;
    const said = find("reason");
    said.textContent = one.verdict ? `${one.verdict}${one.reason ? `: ${one.reason}` : ""}` : one.reason;
    said.className = one.verdict;
    const facts = {"likeness": `${fixed(one.metric, 3)} (before registration ${fixed(one.metric_before, 3)})`,
      "off": `${fixed(one.residual_um, 1)} um`, "overlap": one.overlap === null ? "-" : `${(100 * one.overlap).toFixed(1)} %`};
    find("facts").replaceChildren(...Object.entries(facts).flatMap(([name, value]) =>
      [Object.assign(document.createElement("dt"), {textContent: name}), Object.assign(document.createElement("dd"), {textContent: value})]));
    find("edits").replaceChildren(...(stack.edits.length ? stack.edits.map(edit =>
      Object.assign(document.createElement("li"), {textContent: edit.words,
        className: [edit.section, edit.other].includes(one.key) ? "mine" : ""})) :
      [Object.assign(document.createElement("li"), {textContent: "nothing yet", className: "soft"})]));
    if (review.mayEdit) fields();
  }

  // Moving by hand. Fields say how far the section lies from where the last run had it.

  const reference = () => current.before || current.after || mapOf(current);
  const middleOf = map => geometry.moved(geometry.inverse(map), geometry.centre(stack.cleaned));

  function fields() {
    const map = mapOf(current);
    const isPlaceable = Boolean(map);
    find("move").disabled = !isPlaceable;
    find("place").disabled = !isMoving || !isPlaceable;
    for (const [id, steps] of [["follow-previous", -1], ["follow-next", 1], ["out-previous", -1], ["out-next", 1]])
      find(id).disabled = !near(steps);
    find("release").disabled = !stack.edits.some(edit => [edit.section, edit.other].includes(current.key));
    if (!map) return;
    const from = reference(), [x, y] = middleOf(from), [now_x, now_y] = middleOf(map);
    const change = geometry.chained(geometry.inverse(map), from);
    find("rotation").value = (Math.atan2(-change[1], change[4]) * DEGREES).toFixed(3);
    find("right").value = ((now_x - x) * stack.pixel_size_um).toFixed(1);
    find("down").value = ((now_y - y) * stack.pixel_size_um).toFixed(1);
    find("mirrored").checked = geometry.parts(map, stack.cleaned).mirrored !== geometry.parts(from, stack.cleaned).mirrored;
    find("save").disabled = find("drop").disabled = !drafts.has(current.key);
    // a section that never had a place can be kept where its neighbour lies
    if (!current.after) find("save").disabled = false;
  }

  function fromFields() {
    const [turn, right, down] = ["rotation", "right", "down"].map(id => Number(find(id).value));
    if (![turn, right, down].every(Number.isFinite)) return review.complain("Wanted a number.");
    const from = reference(), middle = middleOf(from);
    let map = find("mirrored").checked ? geometry.flopped(from, middle) : from;
    map = geometry.turned(map, turn / DEGREES, middle);
    setDraft(geometry.pushed(map, right / stack.pixel_size_um, down / stack.pixel_size_um));
  }

  function setDraft(map) {
    if (!isMoving || !current) return;
    drafts.set(current.key, map);
    stage.place(map);
    views.follow(current, map, stage.bright());
    fields();
  }

  const nudge = (x, y) => setDraft(geometry.pushed(mapOf(current), x / stack.pixel_size_um, y / stack.pixel_size_um));
  const turn = degrees => setDraft(geometry.turned(mapOf(current), degrees / DEGREES, middleOf(mapOf(current))));

  function setMoving(on) {
    if (!review.mayEdit) return;
    isMoving = on && Boolean(mapOf(current));
    find("move").setAttribute("aria-pressed", String(isMoving));
    stage.setMoving(isMoving);
    fields();
  }

  // What is sent: rotation and shift about the middle of the canvas of cleaned pictures, as `brainstack align place` has them
  function placeOf(map) {
    const onFrame = geometry.chained(map, geometry.shift(-stack.corner[0], -stack.corner[1]));
    const {rotation, x, y, mirrored} = geometry.parts(onFrame, stack.cleaned);
    return {rotation_rad: rotation, shift_x_um: x * stack.pixel_size_um, shift_y_um: y * stack.pixel_size_um, mirrored};
  }

  async function save() {
    const map = mapOf(current), place = placeOf(map), key = current.key;
    if (Math.max(Math.abs(place.shift_x_um), Math.abs(place.shift_y_um)) > furthestUm)
      return review.complain(`The section would lie more than ${furthestUm} um away, farther than a brain is large; nothing was saved.`);
    await say(key, "place", {...place, anchor: find("anchor").checked, seen: current.seen}, () => drafts.delete(key));
  }

  // Something of a section, which need not be the chosen one any more. Returns whether it was kept.
  async function say(key, what, body, kept = () => {}) {
    try {
      const {told} = await review.change("POST", `${here}/sections/${encodeURIComponent(key)}/${what}`, body);
      await again(key, kept);  // a long stack takes seconds; until then the section is shown where it was put
      if (told.startsWith("Nobody")) review.say("Nothing to take back");
      return true;
    } catch (failed) {
      if (!(failed instanceof review.Failed)) throw failed;
      if ([404, 409].includes(failed.status)) { await again(key); review.complain(failed.message); }
      return false;
    }
  }

  const seenOfPair = other => stack.edits.find(edit => edit.kind === "leave_out" &&
    [edit.section, edit.other].includes(current.key) && [edit.section, edit.other].includes(other.key))?.seen || "";

  async function release() {
    const key = current.key;  // another may be chosen before all is sent
    const mine = stack.edits.filter(edit => [edit.section, edit.other].includes(key) && (edit.kind === "leave_out" || edit.section === key));
    drafts.delete(key);
    for (const edit of mine) {
      const other = edit.kind !== "leave_out" ? "" : edit.section === key ? edit.other : edit.section;
      if (!await say(key, "release", {other, seen: edit.seen})) return;
    }
    if (!mine.length) review.complain("Nothing was said of this section itself; it is a neighbour that follows it.");
  }

  // Loading

  function take(anew) {
    stack = anew;
    const words = stack.is_approved ? "if it were approved anew" : "next run";
    for (const one of document.querySelectorAll(".after-words")) one.textContent = words;
    list();
    if (stack.canvas) views.load(stack).then(() => views.mark(current)).catch(failed => review.complain(failed.message));
  }

  async function again(key, kept = () => {}) {
    const anew = await review.ask("GET", `${here}/stack.json`);
    const isFirst = String([anew.canvas, anew.cleaned]) !== String(stack && [stack.canvas, stack.cleaned]);
    kept();
    take(anew);
    if (!stack.sections.length || !stack.is_aligned) {
      find("legend").textContent = "This animal was not aligned yet; once a run has done it, its sections are shown here.";
      main.classList.add("empty");
      return;
    }
    if (isFirst) stage.begin(stack);
    if (current && current.key !== key && stack.sections[index(current.key)]) key = current.key;  // went on meanwhile
    await choose(stack.sections[index(key)] ? key : listed()[0].key);
  }

  function set(name, value) {
    if (name === "mode") mode = value; else if (name === "with") neighbours = value;
    for (const button of document.querySelectorAll(`button[data-${name}]`))
      button.setAttribute("aria-pressed", String(button.dataset[name] === value));
    find("speed-label").hidden = mode !== "flicker";
    if (current) { list(); draw(); }
  }

  function setDistance(value) {
    distance = Math.min(5, Math.max(1, value));
    find("distance").value = String(distance);
    draw();
  }

  function setSpeed(value) {
    find("speed").value = String(value);
    stage.setSpeed(Number(find("speed").value));
  }

  const go = steps => {
    const to = stack.sections[index(current.key) + steps];
    if (to) choose(to.key);
  };
  function nextDoubtful() {
    const from = index(current.key), round = [...stack.sections.slice(from + 1), ...stack.sections.slice(0, from)];
    const found = round.find(isDoubtful);
    if (found) choose(found.key); else review.say("No other is doubtful");
  }

  // Buttons and keys

  for (const name of ["mode", "with"])
    for (const button of document.querySelectorAll(`button[data-${name}]`)) button.addEventListener("click", () => set(name, button.dataset[name]));
  find("table").addEventListener("click", event => {
    const head = event.target.closest("th"), row = event.target.closest("tbody tr");
    if (head) {
      sorted = {by: head.dataset.sort, down: sorted.by === head.dataset.sort ? !sorted.down : false};
      list();
    } else if (row) choose(row.dataset.key);
  });
  find("filter").addEventListener("change", list);
  find("search").addEventListener("input", list);
  find("search").addEventListener("keydown", event => { if (event.key === "Enter" && listed()[0]) choose(listed()[0].key); });
  find("distance").addEventListener("change", () => setDistance(Number(find("distance").value)));
  find("speed").addEventListener("input", () => stage.setSpeed(Number(find("speed").value)));
  find("light").addEventListener("input", () => { find("stage").style.filter = `brightness(${find("light").value})`; });
  find("channel")?.addEventListener("change", () => { channel = find("channel").value; draw(); });
  find("help-button").addEventListener("click", () => find("help").showModal());
  if (review.mayEdit) {
    find("move").addEventListener("click", () => setMoving(!isMoving));
    for (const id of ["rotation", "right", "down", "mirrored"]) find(id).addEventListener("change", fromFields);
    find("save").addEventListener("click", save);
    find("drop").addEventListener("click", drop);
    find("release").addEventListener("click", release);
    for (const [side, steps] of [["previous", -1], ["next", 1]]) {
      find(`follow-${side}`).addEventListener("click", () => { drafts.delete(current.key); say(current.key, "follow", {other: near(steps).key, seen: current.seen}); });
      find(`out-${side}`).addEventListener("click", () => say(current.key, "leave-out", {other: near(steps).key, seen: seenOfPair(near(steps))}));
    }
  }
  function drop() { drafts.delete(current.key); choose(current.key); list(); }

  const keys = {
    f: () => set("mode", "flicker"), o: () => set("mode", "overlay"), c: () => set("mode", "checkerboard"), s: () => set("mode", "alone"),
    1: () => set("with", "previous"), 2: () => set("with", "next"), 3: () => set("with", "both"),
    "+": () => setDistance(distance + 1), "-": () => setDistance(distance - 1),
    "[": () => setSpeed(Number(find("speed").value) - 0.5), "]": () => setSpeed(Number(find("speed").value) + 0.5),
    PageDown: () => go(1), PageUp: () => go(-1), d: nextDoubtful, 0: () => stage.fit(), m: () => setMoving(!isMoving),
    "?": () => find("help").showModal(), n: () => notes.open(),
  };
  const moving = {
    ArrowLeft: far => nudge(-far.um, 0), ArrowRight: far => nudge(far.um, 0), ArrowUp: far => nudge(0, -far.um),
    ArrowDown: far => nudge(0, far.um), q: far => turn(-far.degrees), e: far => turn(far.degrees),
    x: () => setDraft(geometry.flopped(mapOf(current), middleOf(mapOf(current)))),
    Enter: () => { if (!find("save").disabled) save(); }, Escape: drop,
  };
  document.addEventListener("keydown", event => {
    if (event.target.closest("input, select, textarea, dialog") || event.ctrlKey || event.metaKey || event.altKey || !current) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const by = event.shiftKey ? 10 : 1;
    const far = isMoving && {um: by * Number(find("step").value), degrees: by * Number(find("turn-step").value)};
    const isPressed = event.target.closest("button") && ["Enter", " "].includes(event.key);
    const what = isMoving && moving[key] ? () => moving[key](far) : keys[key] ||
      (!isMoving && {ArrowRight: () => go(1), ArrowLeft: () => go(-1)}[key]);
    if (!what || isPressed) return;
    event.preventDefault();
    what();
  });
  window.addEventListener("beforeunload", event => { if (drafts.size) event.preventDefault(); });

  set("mode", mode);
  set("with", neighbours);
  const ready = again(decodeURIComponent(location.hash.slice(1))).catch(failed => review.complain(failed.message));

  return {stage, choose, setDraft, save, ready, placeOf, mapOf, get stack() { return stack; }, get current() { return current; }};
})();
