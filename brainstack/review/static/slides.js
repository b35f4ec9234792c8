// The page of slides: what a person does is drawn at once, sent in order, and drawn again as the server has it.
"use strict";
(() => {
  const url = `/${review.animal}/slides`;
  const reasons = JSON.parse(document.getElementById("reasons").textContent);
  const find = id => document.getElementById(id);
  const GAP_VERDICTS = ["bad", "out of focus"], NOT_IN_STACK = ["end", "dropped"];
  const POLL_MS = 20000;
  const SLOT = ["key", "number", "z_um", "gap", "copy", "scene"];  // as the values of one come in the answer to a change

  let base = JSON.parse(find("state").textContent);  // as the server said last
  let state = structuredClone(base);  // with what was not answered yet
  let current = "";  // key of a scene, or "slide NAME" of a slide without any
  let isSending = false;
  const queue = [];
  let panelWidth = 0, isPolling = false;

  // What there is

  const scenesOf = (from = state) => new Map(from.slides.flatMap(slide => slide.scenes.map(scene => [scene.key, {slide, scene}])));
  const slideOf = key => key.startsWith("slide ") ? state.slides.find(one => one.name === key.slice(6)) : scenesOf().get(key)?.slide;
  const sceneOf = key => scenesOf().get(key)?.scene;

  function groups() {
    const found = new Map();
    for (const slide of state.slides) found.set(slide.number, [...(found.get(slide.number) || []), slide]);
    return [...found.values()].filter(scans => isShown(scans));
  }

  function isShown(scans) {
    const wanted = find("show").value;
    if (wanted === "all" || scans.some(one => one.name === slideOf(current)?.name)) return true;
    const isMarked = scans.some(one => one.status === "Bad" || one.scenes.some(scene => scene.verdict !== "good" || scene.copies || scene.is_turned_itself || scene.moved_after));
    return wanted === "marked" ? isMarked : scans.length > 1 || scans.some(one => one.trouble || one.notices.length);
  }

  // Where the arrow keys stop
  const stops = () => groups().flat().flatMap(slide => slide.scenes.length ? slide.scenes.map(one => one.key) : [`slide ${slide.name}`]);

  // Drawing

  function draw() {
    const numbersOf = new Map();
    for (const slot of state.slots) numbersOf.set(slot.scene, [...(numbersOf.get(slot.scene) || []), slot.number]);
    const scenes = new Map([...scenesOf()].map(([key, one]) => [key, one.scene]));
    const items = groups().map(scans => ({
      channel: slidesDraw.channel(), scans,
      numbers: scans.flatMap(one => one.scenes.map(scene => [scene.key, numbersOf.get(scene.key) || []])),
    }));
    slidesDraw.reconcile(find("slides"), items, item => `${item.scans[0].number}`, drawGroup);
    const slots = state.slots.map(slot => ({...slot, turns: turnsOf(scenes.get(slot.scene)), channel: slidesDraw.channel()}));
    slidesDraw.reconcile(find("strip"), slots, slot => slot.key, slot => slidesDraw.slot(slot, scenes, find("strip")));
    drawWords();
    choose(current, false);
  }

  const turnsOf = scene => scene ? [scene.rotation, scene.flip, scene.pictures] : [];

  function drawGroup(item) {
    const section = slidesDraw.made("section", item.scans.length > 1 ? "group rescans" : "group");
    return slidesDraw.later(section, () => fillGroup(section, item), find("slides"));
  }

  function fillGroup(section, item) {
    const numbers = new Map(item.numbers);
    for (const slide of item.scans) {
      const article = slidesDraw.scan(slide, item.scans.length > 1, numbers);
      section.append(article);
      const list = article.querySelector(".scenes");
      if (list && review.mayEdit) Sortable.create(list, {...DRAGGING, draggable: ".scene.section", onEnd: event => dropped(event, slide)});
    }
  }

  const DRAGGING = {animation: 120, forceFallback: true, fallbackTolerance: 5, fallbackOnBody: true, swapThreshold: 0.6};

  function drawWords() {
    const all = state.slides.flatMap(one => one.scenes);
    const count = verdict => all.filter(one => one.verdict === verdict).length;
    const marked = ["bad", "out of focus", "end", "dropped"].map(one => [count(one), one]).filter(([number]) => number);
    const slides = new Set(state.slides.map(one => one.number)).size;
    find("count").textContent = [`${slides} slides, ${all.length} scenes`, ...marked.map(([number, word]) => `${number} ${word}`)].join(", ");
    const gaps = state.slots.filter(one => one.gap).length, copies = state.slots.filter(one => one.copy).length;
    const words = [`${state.slots.length} sections`, `${state.thickness_um} \u00b5m apart`];
    if (gaps) words.push(gaps === 1 ? "1 gap" : `${gaps} gaps`);
    if (copies) words.push(copies === 1 ? "1 copy" : `${copies} copies`);
    if (queue.length) words.push(`${queue.length} not saved yet`);
    find("stack-words").textContent = words.join(", ");
    find("undo").disabled = !review.mayEdit || !(state.undo || queue.length);
    find("undo").title = state.undo ? `take back: ${state.undo.words}` : "you decided nothing yet";
  }

  // Choosing

  function choose(key, doScroll = true) {
    const all = stops();
    if (!all.includes(key)) key = all[0] || "";
    current = key;
    for (const old of document.querySelectorAll(".current")) { old.classList.remove("current"); old.tabIndex = -1; }
    const isSlide = key.startsWith("slide ");
    slidesDraw.filled(document.querySelector(`#slides > [data-is="${slideOf(key)?.number}"]`));
    const article = isSlide ? document.querySelector(`.scan[data-name="${CSS.escape(key.slice(6))}"]`) : null;
    const chosen = isSlide ? article : document.querySelector(`.scene[data-key="${CSS.escape(key)}"]`);
    if (chosen) {
      chosen.classList.add("current");
      chosen.tabIndex = 0;
      if (doScroll) { chosen.focus({preventScroll: true}); chosen.scrollIntoView({block: "nearest", inline: "nearest"}); }
    }
    for (const slot of document.querySelectorAll(`.slot[data-scene="${CSS.escape(key)}"]`)) {
      slot.classList.add("current");
      if (doScroll) slot.scrollIntoView({block: "nearest", inline: "center"});
    }
    drawPanel();
    if (doScroll) fetchNeighbours(all);
  }

  // The large pictures of the next scenes are there before they are chosen.
  function fetchNeighbours(all) {
    const place = all.indexOf(current);
    for (const key of [all[place + 1], all[place + 2], all[place - 1]]) {
      const address = key && sceneOf(key)?.pictures[slidesDraw.channel()];
      if (address) new Image().src = `${address}&size=large`;
    }
  }

  function drawPanel() {
    const slide = slideOf(current), scene = sceneOf(current);
    find("panel").classList.toggle("no-scene", !scene);
    find("panel").classList.toggle("no-rescans", !slide || state.slides.filter(one => one.number === slide.number).length < 2);
    find("panel-title").textContent = !slide ? "No slide" : `Slide ${slide.number}${scene ? `, scene ${scene.number}` : ""}`;
    const numbers = state.slots.filter(one => one.scene === current).map(one => one.number);
    find("panel-words").textContent = scene ? `${scene.key}: ${slidesDraw.placeWords(scene, numbers)}` : slide?.trouble || "";
    if (find("note").dataset.of !== (scene ? scene.key : "")) {
      find("note").dataset.of = scene ? scene.key : "";
      notes.about(scene ? scene.key : "", scene ? `slide ${slide.number}, scene ${scene.number}` : "");
    }
    const shown = JSON.stringify([scene, slidesDraw.channel()]);
    if (find("panel-picture").shown !== shown) {
      find("panel-picture").shown = shown;
      const box = [panelWidth, Math.round(Math.min(panelWidth * 0.66, window.innerHeight * 0.24))];
      find("panel-picture").replaceChildren(...(scene ? [slidesDraw.boxed(scene, box, "large", "box inner")] : []));
    }
    find("panel-said").textContent = scene && scene.by ? `${scene.verdict}${scene.reason ? ` (${scene.reason})` : ""}: ${scene.by}` : "";
    if (document.activeElement !== find("reason")) find("reason").value = scene?.reason || "";
    for (const element of document.querySelectorAll("#panel [data-do], #panel input, .tools [data-do^=animal]")) element.disabled = !review.mayEdit;
    for (const [does, verdict] of Object.entries({good: "good", bad: "bad", focus: "out of focus", end: "end", dropped: "dropped"})) {
      document.querySelector(`#panel [data-do=${does}]`).setAttribute("aria-pressed", String(scene?.verdict === verdict));
    }
    reasons.forEach((reason, place) => document.querySelector(`#panel [data-do=reason-${place + 1}]`).setAttribute("aria-pressed", String(scene?.verdict === "bad" && scene.reason === reason)));
  }

  // Asked for when nothing waits to be laid out.
  function measurePanel() { panelWidth = find("panel-picture").clientWidth || 330; }

  function step(by) {
    const all = stops();
    choose(all[Math.max(0, Math.min(all.length - 1, all.indexOf(current) + by))]);
  }

  function stepSlide(by) {
    const all = groups().flat(), place = all.findIndex(one => one.name === slideOf(current)?.name);
    const slide = all[Math.max(0, Math.min(all.length - 1, place + by))];
    if (slide) choose(slide.scenes[0]?.key || `slide ${slide.name}`);
  }

  // Changing: each change is drawn at once, and sent when those before it were answered

  function put(change) {
    if (!review.mayEdit) return refuse("You may look here, but change nothing.");
    change.apply?.(state);
    queue.push(change);
    draw();
    send();
  }

  async function send() {
    if (isSending) return;
    isSending = true;
    try {
      while (queue.length) await sendFirst();
      review.complain("");
    } finally {
      isSending = false;
      drawWords();
    }
  }

  async function sendFirst() {
    const change = queue[0], body = change.body();
    if (!body) return queue.shift();
    let answer;
    try {
      answer = whole(await review.change("POST", `${url}/${change.to}`, {...body, known: base.slides.map(one => one.tag)}));
    } catch (failed) {
      if (!(failed instanceof review.Failed)) throw failed;
      refuse(failed.message + withoutThoseBehind(change));
      return fetchAnew();
    }
    queue.shift();
    take(answer, change.touches || (answer.places || []).map(aboutOf));
    tell(change.to === "undo" ? `Taken back: ${answer.said.join("; ")}` : answer.said.join("; ") || "It is so already.");
    if (change.to === "undo") chooseUndone(answer.places);
  }

  // A change was refused: those of the same that wait behind it go too, and what should be taken back, which would be an
  // older decision now. Returns what is said of that.
  function withoutThoseBehind(refused) {
    queue.shift();
    const isUndo = one => one.to === "undo", undos = queue.filter(isUndo).length;
    const kept = queue.filter(one => one.about !== refused.about && !isUndo(one));
    queue.splice(0, queue.length, ...kept);
    return undos ? " Nothing was taken back." : "";
  }

  // An answer to a change brings the slides that are other than those that were known, and the tags of the others.
  function whole(answer) {
    const known = new Map(base.slides.map(one => [one.tag, one]));
    const slots = answer.slots.map(one => Object.fromEntries(SLOT.map((name, at) => [name, one[at]])));
    return {...answer, slides: answer.slides.map(one => known.get(one) || one), slots};
  }

  // Draw what the server said, and on top what it has not answered yet.
  // touched: what the answered change was about; changes of the same that wait were made knowing it.
  function take(answer, touched = []) {
    base = answer;
    for (const change of queue) {
      if (touched.includes(change.about)) change.seen = versionOf(base, change.about);
      if (touched.includes(change.aboutSlide)) change.seenSlide = versionOf(base, change.aboutSlide);
    }
    state = structuredClone(base);
    for (const change of queue) change.apply?.(state);
    draw();
  }

  async function fetchAnew() {
    try { take(await review.ask("GET", `${url}/now`)); } catch (failed) { refuse(failed.message); }
  }

  function aboutOf([slide, rescan, number]) {
    if (!slide) return "animal";
    return number ? base.slides.find(one => one.number === slide && one.rescan === rescan)?.scenes.find(one => one.number === number)?.key : `slide ${slide}`;
  }

  // about: "animal", "slide NUMBER" or the key of a scene
  function versionOf(from, about) {
    if (about === "animal") return from.animal.version;
    if (about.startsWith("slide ")) return from.slides.find(one => one.number === Number(about.slice(6)))?.version || "";
    return scenesOf(from).get(about)?.scene.version || "";
  }

  function sayOf(about, slide, scene, says, apply) {
    const change = {to: "decide", about, touches: [about], seen: versionOf(state, about), apply};
    change.body = () => ({slide: slide ? slide.number : 0, ...(slide ? {rescan: slide.rescan} : {}), scene: scene ? scene.number : 0, seen: change.seen, ...says});
    put(change);
  }

  // Say something of the scene that is chosen. isVerdict: the next scene is chosen then, where that is wanted.
  function say(says, isVerdict = false) {
    const key = current, slide = slideOf(key), scene = sceneOf(key);
    if (!scene) return;
    if (isVerdict && find("go-on").checked) step(1);
    sayOf(key, slide, scene, says, onto => pretend(onto, key, says));
  }

  // What will most likely come of it, until the server says it.
  function pretend(onto, key, says) {
    const found = scenesOf(onto).get(key)?.scene;
    if (!found) return;
    const {verdict, reason, copies, rotation, flip} = says;
    if (verdict) Object.assign(found, {verdict: verdict === "kept" ? "good" : verdict, reason: reason || "", by: ""});
    if (copies !== undefined) found.copies = copies;
    if (rotation !== undefined) Object.assign(found, {rotation, flip, is_turned_itself: true});
    if (says.as_animal) Object.assign(found, {rotation: onto.animal.rotation, flip: onto.animal.flip, is_turned_itself: false});
    for (const slot of onto.slots) if (slot.key === key && verdict) slot.gap = GAP_VERDICTS.includes(verdict);
    if (NOT_IN_STACK.includes(verdict)) renumber(onto, onto.slots.filter(slot => slot.scene !== key));
  }

  function renumber(onto, slots) {
    onto.slots = slots.map((slot, number) => ({...slot, number, z_um: Math.round(number * onto.thickness_um * 1000) / 1000}));
  }

  function saySlide(says, apply) {
    const slide = slideOf(current);
    if (slide) sayOf(`slide ${slide.number}`, slide, null, says, onto => apply?.(onto.slides.find(one => one.name === slide.name)));
  }

  // Turned as it is seen: after a mirror, to the right is to the left of what was scanned.
  function turned({rotation, flip}, by) {
    return {rotation: (rotation + (flip === "flop" ? 4 - by : by)) % 4, flip};
  }
  function mirrored({rotation, flip}) {
    return flip === "flip" ? {rotation: (rotation + 2) % 4, flip: "flop"} : {rotation, flip: flip === "flop" ? "none" : "flop"};
  }

  function turnAll(turn) {
    const {rotation, flip} = turn(state.animal);
    sayOf("animal", null, null, {rotation, flip}, onto => {
      Object.assign(onto.animal, {rotation, flip});
      for (const {scene} of scenesOf(onto).values()) if (!scene.is_turned_itself) Object.assign(scene, {rotation, flip});
    });
  }

  // Places in the stack

  function place(key, after) {
    const found = scenesOf().get(key);
    if (!found) return;
    const aboutSlide = `slide ${found.slide.number}`;
    const change = {to: "place", about: key, aboutSlide, touches: [key, aboutSlide], seen: found.scene.version, seenSlide: versionOf(state, aboutSlide)};
    change.body = () => ({key, after, seen: change.seen, seen_slide: change.seenSlide});
    change.apply = onto => {
      const own = onto.slots.filter(slot => slot.scene === key), others = onto.slots.filter(slot => slot.scene !== key);
      const start = after ? others.findLastIndex(slot => slot.scene === after || slot.key === after) + 1 : 0;
      renumber(onto, [...others.slice(0, start), ...own, ...others.slice(start)]);
    };
    put(change);
  }

  function shift(by) {
    const order = [...new Set(state.slots.map(slot => slot.key.split("_copy")[0]))];
    const at = order.indexOf(current), to = at + by;
    if (at < 0 || to < 0 || to >= order.length) return;
    order.splice(at, 1);
    place(current, to ? order[to - 1] : "");
  }

  function dropped(event, slide) {
    if (event.oldIndex === event.newIndex) return;
    const numbers = [...event.to.querySelectorAll(".scene")].map(item => slide.scenes.find(one => one.key === item.dataset.key)?.number);
    current = event.item.dataset.key;
    sayOf(`slide ${slide.number}`, slide, null, {scene_order: numbers.filter(Boolean).join(",")}, onto => {
      const found = onto.slides.find(one => one.name === slide.name);
      found?.scenes.sort((a, b) => numbers.indexOf(a.number) - numbers.indexOf(b.number));
    });
    redrawn(event.to);
  }

  function droppedInStack(event) {
    if (event.oldIndex === event.newIndex) return;
    const {key} = event.item.dataset, before = event.item.previousElementSibling?.dataset.key || "";
    current = key;
    place(key, before.split("_copy")[0]);
  }

  // The elements were moved by hand: what they show is not known any more.
  function redrawn(list) {
    const group = list.closest(".group");
    if (group) group.shows = "";
    draw();
  }

  // Telling

  function tell(words) { find("done").textContent = words; }

  function refuse(words) {
    find("refused").firstElementChild.textContent = words;
    find("refused").hidden = !words;
  }

  function undo() {
    put({to: "undo", about: "", body: () => {
      if (!base.undo) { tell("You decided nothing that could be taken back."); return null; }
      return {number: base.undo.number};
    }});
  }

  function chooseUndone(places) {
    const [slide, rescan, scene] = places[0] || [];
    const found = [...scenesOf().values()].find(one => one.slide.number === slide && one.slide.rescan === rescan && (one.scene.number === scene || !scene));
    if (found) choose(found.scene.key);
  }

  // Commands, each with its key

  const COMMANDS = {
    good: ["g", () => say({verdict: "good"}, true)],
    bad: ["b", () => say({verdict: "bad"}, true)],
    focus: ["f", () => say({verdict: "out of focus"}, true)],
    end: ["e", () => say({verdict: "end"}, true)],
    dropped: ["d", () => say({verdict: "dropped"}, true)],
    kept: ["k", () => say({verdict: "kept"}, true)],
    gap: ["x", () => say(GAP_VERDICTS.includes(sceneOf(current)?.verdict) ? {copies: 0} : {verdict: "bad", copies: 0}, true)],
    more: ["+", () => say({copies: (sceneOf(current)?.copies || 0) + 1})],
    fewer: ["-", () => sceneOf(current)?.copies && say({copies: sceneOf(current).copies - 1})],
    right: ["r", () => sceneOf(current) && say(turned(sceneOf(current), 1))],
    left: ["R", () => sceneOf(current) && say(turned(sceneOf(current), 3))],
    mirror: ["m", () => sceneOf(current) && say(mirrored(sceneOf(current)))],
    "as-animal": ["o", () => say({as_animal: true})],
    earlier: ["[", () => shift(-1)],
    later: ["]", () => shift(1)],
    home: ["h", () => say({moved_after: ""})],
    "slide-good": ["G", () => saySlide({status: "Good"}, slide => { slide.status = "Good"; })],
    "slide-bad": ["B", () => saySlide({status: "Bad"}, slide => { slide.status = "Bad"; })],
    use: ["s", () => saySlide({use: "this"})],
    adds: ["a", () => saySlide({use: "adds"})],
    undo: ["u", undo],
    help: ["?", () => find("help").open ? find("help").close() : find("help").showModal()],
    write: ["w", () => { find("reason").focus(); find("reason").select(); }],
    dismiss: ["Escape", () => refuse("")],
    "go-on": ["n", () => find("go-on").click()],
    channel: ["c", () => { find("channel").selectedIndex = (find("channel").selectedIndex + 1) % find("channel").options.length; find("channel").dispatchEvent(new Event("change")); }],
    "animal-left": ["", () => turnAll(one => turned(one, 3))],
    "animal-right": ["", () => turnAll(one => turned(one, 1))],
    "animal-mirror": ["", () => turnAll(mirrored)],
  };
  reasons.forEach((reason, place) => { COMMANDS[`reason-${place + 1}`] = [String(place + 1), () => say({verdict: "bad", reason}, true)]; });
  const MOVES = {
    ArrowLeft: () => step(-1), ArrowRight: () => step(1), ArrowUp: () => stepSlide(-1), ArrowDown: () => stepSlide(1),
    Home: () => choose(stops()[0]), End: () => choose(stops().at(-1)),
  };
  const BY_KEY = new Map([...Object.values(COMMANDS).filter(([key]) => key), ...Object.entries(MOVES), ["=", COMMANDS.more[1]]]);

  document.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.matches("input:not([type=checkbox]), textarea, select")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if ((find("help").open && event.key !== "?") || find("note-dialog")?.open) return;
    const does = BY_KEY.get(event.key);
    if (!does) return;
    event.preventDefault();
    if (event.repeat && !MOVES[event.key]) return;  // a key that is held would judge scene after scene
    does();
  });

  document.addEventListener("click", event => {
    const says = event.target.closest("[data-says]");
    if (says) return sayOfButton(says);
    const does = event.target.closest("[data-do]");
    if (does) return COMMANDS[does.dataset.do][1]();
    const scene = event.target.closest(".scene, .slot");
    if (scene) return choose(scene.dataset.scene || scene.dataset.key);
    const scan = event.target.closest(".scan");
    if (scan && !scan.querySelector(".scene")) choose(`slide ${scan.dataset.name}`);
  });

  function sayOfButton(button) {
    const slide = state.slides.find(one => one.name === button.closest(".scan").dataset.name);
    const scene = slide.scenes.find(one => one.number === Number(button.dataset.scene));
    sayOf(scene ? scene.key : `slide ${slide.number}`, slide, scene, JSON.parse(button.dataset.says));
  }

  find("reason-form").addEventListener("submit", event => {
    event.preventDefault();
    const reason = find("reason").value.trim();
    find("reason").blur();
    say({verdict: "bad", reason}, true);
  });
  find("show").addEventListener("change", draw);
  find("channel").append(...base.channels.map(name => new Option(name)));
  find("channel").addEventListener("change", () => { slidesDraw.setChannel(find("channel").selectedIndex); find("channel").blur(); draw(); });
  find("go-on").checked = localStorage.getItem("slides-go-on") !== "no";
  find("go-on").addEventListener("change", () => localStorage.setItem("slides-go-on", find("go-on").checked ? "yes" : "no"));
  window.addEventListener("beforeunload", event => { if (queue.length) event.preventDefault(); });

  // What others decided meanwhile
  async function poll() {
    if (isPolling || document.hidden || queue.length || document.querySelector(".sortable-drag")) return;
    isPolling = true;
    try {
      const found = await review.ask("GET", `${url}/now`);
      if (!queue.length && JSON.stringify(found) !== JSON.stringify(base)) take(found);
    } catch { /* the next change says it */ } finally { isPolling = false; }
  }
  setInterval(poll, POLL_MS);
  document.addEventListener("visibilitychange", poll);

  if (review.mayEdit) Sortable.create(find("strip"), {...DRAGGING, draggable: ".slot:not(.copy)", onEnd: droppedInStack});
  addEventListener("resize", measurePanel);
  // Behind htmx, which looks through all elements that there are then.
  addEventListener("DOMContentLoaded", () => {
    measurePanel();
    current = stops()[0] || "";
    draw();
    document.querySelector(".scene.current, .scan.current")?.focus({preventScroll: true});
    document.querySelector(".slot.current")?.scrollIntoView({block: "nearest", inline: "center"});
    fetchNeighbours(stops());
    document.body.dataset.ready = "yes";
  });
})();
