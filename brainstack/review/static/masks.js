// The page of masks: which section is shown, what the hand does to its mask, and what the server is asked.

import {Bits, Outline} from "./masks_bits.js";
import {drafts} from "./masks_drafts.js";
import {Saver} from "./masks_saving.js";
import {store} from "./masks_store.js";
import {TAB} from "./masks_tab.js";
import {View} from "./masks_view.js";

const ASK_MS = 15000, LATE_MS = 1000, QUIET_MS = 2500, MOST_READY = 8, MOST_UNDO = 100, AHEAD = [1, -1, 2];
const LARGEST_RADIUS_PX = 150, KEPT_MS = 14 * 24 * 3600 * 1000;
const at = id => document.getElementById(id);
const base = `/${review.animal}/masks`, stage = at("stage");
const view = new View(stage);

const ready = new Map();     // section key -> promise of what is shown of it; the latest last
const savers = new Map();    // section key -> Saver
const histories = new Map(); // section key -> {past, future}: masks as runs
let sections = [], order = [], shown = null, wanted = "";
const person = at("masks").dataset.person;  // "" where there are no accounts
let tool = review.mayEdit ? "brush" : "look", channel = at("masks").dataset.channel;

// Sections: fetched ahead, shown at once

async function bitmapOf(address) {
  if (!address) return null;
  return createImageBitmap(await review.ask("GET", address));
}

async function fetched(key) {
  const info = await review.ask("GET", `${base}/${key}`);
  const isOther = info.proposal && info.proposal_version !== info.version;
  const [picture, mask, proposal] = await Promise.all(
    [bitmapOf(info.pictures[channel]), bitsOf(info.mask), bitsOf(isOther ? info.proposal : "")]);
  const bits = mask || new Bits(info.columns, info.rows);
  return {key, info, picture, bits, proposal, channel, outline: new Outline(bits)};
}

async function bitsOf(address) {
  if (!address) return null;
  return Bits.ofPacked(await (await review.ask("GET", address)).arrayBuffer());
}

function prepared(key, isAnew = false) {
  let found = isAnew ? null : ready.get(key);
  if (!found) {
    found = fetched(key);
    found.catch(() => ready.delete(key));
  }
  ready.delete(key);
  ready.set(key, found);
  for (const old of [...ready.keys()].slice(0, -MOST_READY)) if (old !== wanted) ready.delete(old);
  return found;
}

// What the server does not have yet is shown, whatever was fetched; what it has is what is painted on from here.
function withUnsaved(one) {
  const saver = savers.get(one.key), {bits, info} = one, unsaved = saver?.newest;
  if (saver?.isSaved) saver.version = info.version;
  if (!unsaved || unsaved.columns !== bits.columns || unsaved.rows !== bits.rows) return;
  if (!one.proposal && info.proposal && info.version === info.proposal_version) one.proposal = bits.copy();
  bits.data.set(unsaved.data);
  one.outline = new Outline(bits);
  Object.assign(info, EDITED);
}

async function show(key) {
  wanted = key;
  const isAhead = ready.has(key);
  try {
    let found, one;
    do one = await (found = prepared(key)); while (wanted === key && ready.get(key) !== found);  // saved while it was fetched
    if (wanted !== key) return;
    if (one.channel !== channel) Object.assign(one, {picture: await bitmapOf(one.info.pictures[channel]), channel});
    if (wanted !== key) return;
    if (stroke) end(false);  // it ends where it was begun
    withUnsaved(one);
    if (shown && shown.key !== key && undone.delete(shown.key)) tellSaving();
    shown = one;
    view.show(one);
    stage.dataset.section = key;
    stage.dataset.version = one.info.version;
    history.replaceState(null, "", `#${key}`);
    at("notices").replaceChildren();
    if (!one.picture) notice("This section has no picture yet; the next run makes it.");
    tell();
    markStrip();
    await remember(one);
    await offerDraft(one);
    for (const step of AHEAD) if (neighbour(step)) prepared(neighbour(step)).catch(() => {});
    if (isAhead) look();
  } catch (failed) {
    if (wanted === key) review.complain(failed.message);
  }
}

function neighbour(step) {
  const place = order.indexOf(wanted);
  return place < 0 ? order[0] : order[place + step];
}

function go(step) {
  const key = neighbour(step);
  if (key) show(key);
  else notice(step > 0 ? "This is the last section of the list." : "This is the first section of the list.", [], "end");
}

// Ask whether the section that is shown is still as it is shown, and who else has it open.
async function look() {
  if (!shown || document.hidden) return;
  const one = shown, saver = savers.get(one.key);
  const info = await review.ask("GET", `${base}/${one.key}?page=${TAB}`).catch(() => null);
  if (!info || shown !== one) return;
  say("others", info.others);
  const isOurs = saver && (!saver.isSaved || saver.version === info.version);
  if (info.version !== one.info.version && !isOurs && !stroke) {
    if (await takeTheirs(one.key, false)) say("changed", `This mask was changed${info.made_by ? ` (${info.made_by})` : ""}; it is shown as it is now.`);
  } else if (info.version === one.info.version && (!saver || saver.isSaved)) {
    Object.assign(one.info, info);
    tell();
  }
}

// So that others are not told for another minute that this tab has a section open.
function tellLeft() {
  const headers = {"Content-Type": "application/json", "X-CSRF-Token": document.body.dataset.csrf};
  fetch(`${base}/left`, {method: "POST", keepalive: true, headers, body: JSON.stringify({page: TAB})}).catch(() => {});
}

// isAsked: by the person, who gives up what they painted until it is there. Else that stays, and they are asked once it is
// sent. Returns whether theirs was taken.
async function takeTheirs(key, isAsked = true) {
  const before = shown, one = await prepared(key, true), isHere = before?.key === key, saver = savers.get(key);
  if (!isAsked && (stroke?.one.key === key || saver && !saver.isSaved)) {
    if (isHere) ready.set(key, Promise.resolve(before));
    return false;
  }
  if (stroke?.one.key === key) leave();
  if (isHere) {
    remembered(key).past.push(before.bits.runs());
    keepHistory(key, one.bits.runs());
  }
  saver?.drop(one.info.version);
  if (wanted === key) await show(key);
  return true;
}

// The hand

let stroke = null, isSpace = false, pan = null;
const radius = () => 0.5 * (LARGEST_RADIUS_PX / 0.5) ** (at("size").value / 100);

function isErasing(event) {
  return (tool === "erase") !== (event !== undefined && (event.button === 2 || (event.buttons & 2) > 0));
}

stage.addEventListener("contextmenu", event => event.preventDefault());
stage.addEventListener("pointerdown", event => {
  if (!shown) return;
  stage.focus({preventScroll: true});
  if (event.button === 1 || isSpace || tool === "look") {
    pan = {x: event.clientX, y: event.clientY};
  } else if (event.button === 0 || event.button === 2) {
    begin(event);
  }
  stage.setPointerCapture(event.pointerId);
  view.hold(true);
  event.preventDefault();
});
stage.addEventListener("pointermove", event => {
  if (pan) {
    view.pan(event.clientX - pan.x, event.clientY - pan.y);
    pan = {x: event.clientX, y: event.clientY};
  } else if (stroke) {
    const events = event.getCoalescedEvents?.() ?? [];
    for (const each of events.length ? events : [event]) move(view.place(each));
    draw();
  }
  showTool(event);
});
const released = event => {
  if (stroke) end(event.type !== "pointercancel");
  pan = null;
  view.hold(false);
};
stage.addEventListener("pointerup", released);
stage.addEventListener("pointercancel", released);
stage.addEventListener("pointerleave", () => { if (!stroke) view.showRing(null); });
stage.addEventListener("wheel", event => {
  event.preventDefault();
  view.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), event);
  showTool(event);
}, {passive: false});

function showTool(event) {
  const isBrush = tool === "brush" || tool === "erase";
  view.showRing(isBrush && !isSpace && shown ? view.place(event) : null, radius(), stroke ? !stroke.value : isErasing());
}

function begin(event) {
  const place = view.place(event);
  if (tool === "fill" || tool === "delete") return click(place);
  const value = tool === "add" || tool === "cut" ? Number(tool === "add") : Number(!isErasing(event));
  stroke = {one: shown, value, before: shown.bits.runs(), points: [place], band: null, isLasso: tool === "add" || tool === "cut"};
  if (!stroke.isLasso) grow(stroke.one.bits.stroke(place, place, radius(), value));
  draw();
}

function move(place) {
  const last = stroke.points.at(-1);
  stroke.points.push(place);
  if (!stroke.isLasso) grow(stroke.one.bits.stroke(last, place, radius(), stroke.value));
}

function grow(band) {
  const old = stroke.band || band;
  stroke.band = [Math.min(old[0], band[0]), Math.max(old[1], band[1])];
}

function draw() {
  if (stroke.isLasso) return view.showLasso(stroke.points, !stroke.value);
  if (stroke.isDrawing) return;
  stroke.isDrawing = true;
  const mine = stroke;
  requestAnimationFrame(() => {
    mine.isDrawing = false;
    if (mine.band) view.refresh(mine.band);
    mine.band = null;
  });
}

// isMeant: the button was let go; an area that is half drawn is none.
function end(isMeant) {
  const {one, isLasso, points, value, before} = stroke;
  if (isLasso && isMeant && points.length > 2) grow(one.bits.polygon(points, value));
  if (stroke.band) view.refresh(stroke.band);
  leave();
  changed(one, before);
}

function leave() {
  stroke.band = null;  // so that nothing of it is drawn later, where another section may be shown
  stroke = null;
  view.showLasso([], false);
}

function click(place) {
  const column = Math.floor(place.x), row = Math.floor(place.y), {bits} = shown;
  if (column < 0 || row < 0 || column >= bits.columns || row >= bits.rows) return;
  const isFilling = tool === "fill";
  if (bits.has(column, row) === isFilling) {
    return notice(isFilling ? "That is tissue already; click into a hole." : "There is no piece; click on tissue.", [], "hint");
  }
  const before = bits.runs(), found = bits.region(column, row);
  if (isFilling && found.reachesEdge) {
    return notice("That is the glass around: it reaches the edge of the picture, and is no hole.", [], "hint");
  }
  bits.set(found.pixels, Number(isFilling));
  view.refresh(found.band);
  changed(shown, before);
}

// Undo

function remembered(key) {
  if (!histories.has(key)) histories.set(key, {past: [], future: []});
  return histories.get(key);
}

// What was kept of an earlier visit counts where it ends in the mask that is there.
async function remember(one) {
  if (histories.has(one.key)) return;
  const kept = await store.get("histories", nameOf(one.key)).catch(() => null);
  if (kept && sameRuns(kept.now, one.bits.runs())) histories.set(one.key, {past: kept.past, future: kept.future});
  if (shown === one) tellUndo();
}

const nameOf = key => `${review.animal}/${key}${person && `/${person}`}`;  // a browser may be several people's
const sameRuns = (a, b) => a.length === b.length && a.every((one, i) => one === b[i]);

function keepHistory(key, now) {
  const {past, future} = remembered(key);
  store.put("histories", nameOf(key), {past, future, now, person, at: Date.now()}).catch(() => {});
}

// What is too old is forgotten, and so is what another person painted in this browser.
function forgetHistories() {
  return store.drop("histories", one => one.person !== person || !(one.at > Date.now() - KEPT_MS)).catch(() => {});
}

function changed(one, before) {
  const {key, bits, info} = one, now = bits.runs();
  if (sameRuns(before, now)) return;
  if (!one.proposal && info.proposal && info.version === info.proposal_version) {  // until now it was the mask
    one.proposal = Bits.ofRuns(bits.columns, bits.rows, before);
    if (shown === one) view.setProposal(one.proposal);
  }
  const history = remembered(key);
  history.past = [...history.past.slice(1 - MOST_UNDO), before];
  history.future = [];
  keep(one);
}

function step(from, to) {
  if (!shown || stroke || !review.mayEdit) return;
  const history = histories.get(shown.key), runs = history?.[from].pop();
  if (!runs) return;
  history[to].push(shown.bits.runs());
  shown.bits.data.set(Bits.ofRuns(shown.bits.columns, shown.bits.rows, runs).data);
  view.refresh([0, shown.bits.rows]);
  keep(shown);
}

// Saving

function saverOf(one) {
  if (!savers.has(one.key)) {
    savers.set(one.key, new Saver(nameOf(one.key), `${base}/${one.key}`, one.info.version, saver => saved(one.key, saver)));
  }
  return savers.get(one.key);
}

const EDITED = {word: "edited", edited: true, approved: "", doubtful: false};

function keep(one) {
  undone.delete(one.key);
  saverOf(one).put(one.bits);
  keepHistory(one.key, one.bits.runs());
  Object.assign(one.info, EDITED);
  setWord(one.key, "edited");
  if (shown === one) tell();
}

function saved(key, saver) {
  tellSaving();
  markStrip();
  if (saver.isSaved) {
    if (shown?.key === key) {
      stage.dataset.version = shown.info.version = saver.version;
      if (saver.madeBy) shown.info.made_by = saver.madeBy;
      tell();
    } else {
      ready.delete(key);
    }
    laterStale();
  }
  if (saver.state === "conflict" && shown?.key === key) askWhose(key, saver);
}

// Of all sections at once: what cannot be saved for now, then what was not done.
function tellSaving() {
  const unsaved = [...savers.values()].filter(one => !one.isSaved), stuck = unsaved.filter(one => one.state !== "saving");
  const failed = stuck.find(one => !one.isKept) ?? stuck[0];
  const isFailed = Boolean(failed) || undone.size > 0;
  review.say(isFailed ? "Not saved" : unsaved.length || decisions.size ? "Saving ..." : "Saved", isFailed);
  const said = failed && failed.state !== "conflict" ? [`${failed.said} ${whereKept(failed)}`] : [];
  const trouble = [...said, ...undone.values()].join(" ");
  if (trouble || !decisions.size) review.complain(trouble);  // a decision that is sent again tells itself
}

function whereKept(saver) {
  const where = saver.isKept ? "kept here" : "only in this tab, as the browser could not keep them";
  return `Your strokes are ${where}${saver.state === "lost" ? ", and sent again until they arrive" : ""}.`;
}

function askWhose(key, saver) {
  notice(saver.isKept ? saver.said : `${saver.said} ${whereKept(saver)}`, [
    ["Take theirs", () => {
      undone.delete(key);
      takeTheirs(key).catch(failed => review.complain(failed.message));
    }],
    ["Put mine over it", async () => {
      undone.delete(key);
      const info = await review.ask("GET", `${base}/${key}`).catch(failed => review.complain(failed.message));
      if (info) saver.over(info.version);
    }],
  ], "conflict");
}

// What pages that are gone left unsaved on a section: the newest, and when that is answered, the one before.
async function offerDraft(one) {
  const isInConflict = () => savers.get(one.key)?.state === "conflict";
  if (isInConflict()) return askWhose(one.key, savers.get(one.key));
  for (const draft of review.mayEdit ? await drafts.leftOf(nameOf(one.key)).catch(() => []) : []) {
    if (shown !== one || isInConflict()) return;
    const isMeant = draft.columns === one.bits.columns && draft.rows === one.bits.rows && !sameRuns(draft.runs, one.bits.runs());
    if (isMeant) return offer(one, draft);
    await answered(draft);
  }
}

function offer(one, draft) {
  const saver = savers.get(one.key), isUnsaved = saver && !saver.isSaved;
  const said = `Strokes of ${new Date(draft.at).toLocaleString()} on this mask were not saved`;
  const next = async () => { await answered(draft); if (shown === one) await offerDraft(one); };
  const putBack = async () => {
    if (stroke) end(false);
    const before = one.bits.runs();
    one.bits.data.set(Bits.ofRuns(draft.columns, draft.rows, draft.runs).data);
    view.refresh([0, one.bits.rows]);
    changed(one, before);
    const keeping = savers.get(one.key);
    await keeping?.kept;
    if (keeping?.isKept ?? true) await next();  // else what was left is the only place where they are kept
  };
  if (draft.version === one.info.version && !isUnsaved) {
    return notice(`${said}.`, [["Put them back", putBack], ["Forget them", next]], "draft");
  }
  const since = isUnsaved ? "was painted on since"
    : one.info.made_by ? `was changed since (${one.info.made_by})` : "is another one since";
  notice(`${said}, and it ${since}.`, [["Take theirs", next], ["Put mine over it", putBack]], "conflict");
}

async function answered(draft) {
  await drafts.forget(draft.name).catch(() => {});
  await listLeft();
}

let sectionsLeft = new Set();  // with strokes of pages that are gone

async function listLeft() {
  sectionsLeft = await drafts.sectionsLeft().catch(() => new Set());
  markStrip();
}

let staleTimer;
function laterStale() {  // what will run is asked for when the hand rests
  clearTimeout(staleTimer);
  staleTimer = setTimeout(() => document.body.dispatchEvent(new Event("stale")), QUIET_MS);
}

window.addEventListener("beforeunload", event => { if ([...savers.values()].some(one => !one.isSaved)) event.preventDefault(); });

// Approving, and the way back: behind the strokes before it, and sent again until the server has it

const decisions = new Map();  // section key -> {what, isLate}: on the way
const undone = new Map();     // section key -> why a decision was not done: said until that section is left, or changed
const strokesOf = key => savers.get(key)?.changes ?? 0;

// what: is decided, in words. send(one, version, isAsThen): version of its mask as it was seen and, if it was painted on,
// saved; isAsThen() is false once it was painted on after that.
async function decide(what, send) {
  const one = shown;
  if (!one || stroke || !review.mayEdit) return;
  const {key, info} = one, strokes = strokesOf(key), isAsThen = () => strokesOf(key) === strokes && stroke?.one.key !== key;
  if (decisions.has(key)) return notice(`Of this section, ${decisions.get(key).what} is not sent yet.`);
  undone.delete(key);
  const decision = {what, isLate: false}, late = setTimeout(() => { decision.isLate = true; tellDecisions(); }, LATE_MS);
  decisions.set(key, decision);
  try {
    await savers.get(key)?.settled();
    if (!isAsThen()) throw new Error(`Section ${info.number} was painted on after that: ${what} was not sent.`);
    await send(one, savers.get(key)?.version ?? info.version, isAsThen);
  } catch (failed) {
    undone.set(key, failed.message);
  }
  clearTimeout(late);
  decisions.delete(key);
  tellSaving();
  tellDecisions();
}

function tellDecisions() {
  markStrip();
  if (shown) tell();
}

function approve() {
  const isBack = Boolean(shown?.info.approved), what = isBack ? "taking back its approval" : "its approval";
  return decide(what, async ({key}, version, isAsThen) => {
    const info = await review.change(isBack ? "DELETE" : "POST", `${base}/${key}/approval`, {version});
    if (info.version !== version || !isAsThen()) return;  // of a mask that is another one by now
    setWord(key, info.word, Boolean(info.approved));
    if (shown?.key !== key) ready.delete(key);
    else if (shown.info.version === version) Object.assign(shown.info, info);
  });
}

async function approveNext() {
  const before = wanted, following = neighbour(1);
  if (!review.mayEdit || stroke || shown?.key !== wanted) return;  // the next one is on its way
  if (!shown.info.approved) await approve();
  if (wanted !== before || !shown.info.approved) return;
  if (following) show(following);
  else notice("This was the last section of the list.", [], "end");
}

const toProposal = () => decide("going back to its proposal", async (one, version, isAsThen) => {
  const before = one.bits.runs();
  await review.change("POST", `${base}/${one.key}/to-proposal`, {version});
  if (!isAsThen()) return;  // what was painted since is refused, and its person is asked
  const history = remembered(one.key);
  history.past.push(before);
  savers.delete(one.key);
  const anew = await prepared(one.key, true);
  keepHistory(one.key, anew.bits.runs());
  setWord(one.key, anew.info.word, Boolean(anew.info.approved));
  if (wanted === one.key) await show(one.key);
});

// What is written around it

function setWord(key, word, approved = false) {
  const one = sections.find(each => each.key === key);
  if (one) Object.assign(one, {word, approved, doubtful: one.doubtful && !["edited"].includes(word)});
  markStrip();
}

async function listSections() {
  sections = (await review.ask("GET", `${base}/states`)).sections;
  arrange();
}

function arrange() {
  const chosen = at("filter").value, first = one => one.doubtful && !one.approved;
  const found = chosen === "open" ? sections.filter(one => !one.approved)
    : chosen === "doubtful" ? [...sections.filter(first), ...sections.filter(one => !first(one))] : sections;
  order = found.map(one => one.key);
  at("strip").replaceChildren(...found.map(one => {
    const item = document.createElement("li"), button = document.createElement("button");
    button.textContent = one.number;
    button.dataset.key = one.key;
    button.addEventListener("click", event => {
      if (event.detail) stage.focus({preventScroll: true});  // so that keys are for the section, not for this button
      show(one.key);
    });
    item.append(button);
    return item;
  }));
  markStrip();
}

const WORDS = {proposal: "as proposed", edited: "edited by a person", doubtful: "doubtful", refused: "an edit cannot be used", none: "no mask yet", approved: "approved"};

function markStrip() {
  const byKey = new Map(sections.map(one => [one.key, one]));
  for (const button of at("strip").querySelectorAll("button")) {
    const one = byKey.get(button.dataset.key), saver = savers.get(one.key);
    const isUnsaved = saver && !saver.isSaved && saver.state !== "saving" || sectionsLeft.has(nameOf(one.key))
      || decisions.get(one.key)?.isLate || undone.has(one.key);
    button.className = one.word + (isUnsaved ? " unsaved" : "");
    button.title = `${one.key}: ${WORDS[one.word]}${isUnsaved ? ", not saved" : ""}`;
    button.toggleAttribute("aria-current", one.key === wanted);
    if (one.key === wanted) button.scrollIntoView({block: "nearest"});
  }
  const approved = sections.filter(one => one.approved).length, isRequired = at("masks").dataset.required === "1";
  const waits = isRequired && approved < sections.length ? "; Clean waits for the others" : "";
  at("counts").textContent = sections.length ? `${approved} of ${sections.length} approved${waits}` : "There is no section with a picture.";
}

function tell() {
  const {info, bits} = shown;
  const made = info.edited ? `edited${info.made_by ? ` by ${info.made_by}` : ""}` : info.word === "none" ? "no mask yet" : "as proposed";
  const before = !info.approved && info.approved_before ? `another mask was approved by ${info.approved_before}` : "";
  at("name").textContent = `Section ${info.number}`;
  if (at("note").dataset.of !== info.key) notes.about(at("note").dataset.of = info.key, `section ${info.number} (${info.key})`);
  const decision = decisions.get(info.key), unsent = decision?.isLate ? `${decision.what} is not sent yet` : "";
  at("said").textContent = [unsent, info.key, made, info.approved ? `approved by ${info.approved}` : before].filter(Boolean).join("; ");
  say("refused", info.refused);
  say("doubt", info.doubtful && !info.approved ? info.doubt : "");
  if (review.mayEdit) {
    at("approve").textContent = info.approved ? "Take back" : "Approve";
    at("approve").disabled = at("approve-next").disabled = info.word === "none" || info.word === "refused";
    at("to-proposal").disabled = !info.edited || !info.proposal;
  }
  stage.dataset.word = info.approved ? "approved" : info.word;
  stage.setAttribute("aria-label", `section ${info.number}, ${bits.columns} x ${bits.rows} pixels, ${made}`);
  tellUndo();
  tellSize();
}

function tellUndo() {
  const {past, future} = histories.get(shown.key) ?? {past: [], future: []};
  at("undo").disabled = !past.length;
  at("redo").disabled = !future.length;
}

function tellSize() {
  const width = 2 * radius(), um = shown ? Math.round(width * shown.info.pixel_size_um) : 0;
  at("size-said").textContent = `${width < 10 ? width.toFixed(1) : Math.round(width)} px${um ? `, ${um} µm` : ""}`;
}

// A line above the picture. kind: another line of the same kind is replaced.
function notice(text, choices = [], kind = "hint") {
  at("notices").querySelector(`p.${kind}`)?.remove();
  const line = document.createElement("p");
  line.className = kind;
  line.append(text);
  for (const [label, act] of choices) {
    const button = document.createElement("button");
    button.textContent = label;
    button.addEventListener("click", () => { line.remove(); act(); });
    line.append(button);
  }
  at("notices").append(line);
  if (!choices.length && ["hint", "end"].includes(kind)) setTimeout(() => line.remove(), 5000);
}

function say(kind, text) {
  if (text) notice(text, [], kind);
  else at("notices").querySelector(`p.${kind}`)?.remove();
}

// Buttons and keys

function choose(name) {
  if (!review.mayEdit) return;
  tool = name;
  stage.dataset.tool = name;
  for (const button of document.querySelectorAll("button[data-tool]")) {
    button.setAttribute("aria-pressed", button.dataset.tool === name);
  }
  view.showRing(null);
}

async function setChannel(number) {
  const select = at("channel");
  if (!select || ![...select.options].some(one => one.value === number)) return;
  select.value = channel = number;
  if (!shown) return;
  const one = shown, picture = await bitmapOf(one.info.pictures[number]).catch(failed => review.complain(failed.message));
  if (shown !== one || channel !== number) return;
  Object.assign(one, {picture, channel: number});
  view.setPicture(picture);
  for (const key of ready.keys()) if (key !== one.key) ready.delete(key);
}

function toggleOutline() {
  const isShown = at("outline").getAttribute("aria-pressed") !== "true";
  at("outline").setAttribute("aria-pressed", isShown);
  view.setVisible(isShown);
}

function resize(step) {
  at("size").value = Number(at("size").value) + step;
  tellSize();
}

const setContrast = () => view.setContrast(Number(at("black").value), Number(at("white").value));

const KEYS = {
  ArrowRight: () => go(1), ArrowLeft: () => go(-1), PageDown: () => go(1), PageUp: () => go(-1),
  a: () => approve(), Enter: approveNext,
  b: () => choose("brush"), e: () => choose("erase"), l: () => choose("add"), c: () => choose("cut"),
  f: () => choose("fill"), d: () => choose("delete"), "[": () => resize(-5), "]": () => resize(5),
  "+": () => view.zoom(1.25), "=": () => view.zoom(1.25), "-": () => view.zoom(0.8), 0: () => view.fit(),
  o: toggleOutline, "?": () => at("help").showModal(),
};

const WHILE_HELD = new Set(["ArrowRight", "ArrowLeft", "PageDown", "PageUp", "[", "]", "+", "=", "-"]);

document.addEventListener("keydown", event => {
  if (at("help").open || document.getElementById("note-dialog")?.open) return;
  const isTyping = event.target.closest?.("select, textarea, input:not([type=range])");
  const isCtrl = event.ctrlKey || event.metaKey, key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (isTyping || event.altKey) return;
  if (event.repeat && !WHILE_HELD.has(key)) {  // a key that is held says what it says once, of a focused button too
    if (KEYS[key] || [" ", "y", "z"].includes(key)) event.preventDefault();
    return;
  }
  if (isCtrl && (key === "z" || key === "y")) {
    event.preventDefault();
    return key === "y" || event.shiftKey ? step("future", "past") : step("past", "future");
  }
  if (isCtrl) return;
  if (event.target.closest?.("button, a, input") && [" ", "Enter", "ArrowLeft", "ArrowRight"].includes(event.key) && event.target.id !== "stage") return;
  if (key === " ") {
    isSpace = true;
    stage.dataset.mode = "pan";
    view.showRing(null);
    event.preventDefault();
  } else if (/^[1-9]$/.test(key)) {
    setChannel(key);
  } else if (KEYS[key]) {
    event.preventDefault();
    KEYS[key]();
  }
});
document.addEventListener("keyup", event => {
  if (event.key !== " ") return;
  isSpace = false;
  delete stage.dataset.mode;
});

for (const button of document.querySelectorAll("button[data-tool]")) button.addEventListener("click", () => choose(button.dataset.tool));
const clicks = {undo: () => step("past", "future"), redo: () => step("future", "past"), fit: () => view.fit(), outline: toggleOutline,
  previous: () => go(-1), next: () => go(1), approve: () => approve(), "approve-next": approveNext, "to-proposal": toProposal,
  "help-button": () => at("help").showModal()};
for (const [id, act] of Object.entries(clicks)) {
  at(id)?.addEventListener("click", event => { if (event.detail) stage.focus({preventScroll: true}); act(); });
}
at("filter").addEventListener("change", () => { arrange(); at("filter").blur(); });
at("channel")?.addEventListener("change", () => { setChannel(at("channel").value); at("channel").blur(); });
at("size").addEventListener("input", tellSize);
for (const id of ["black", "white"]) at(id).addEventListener("input", setContrast);
setInterval(look, ASK_MS);
document.addEventListener("visibilitychange", look);
window.addEventListener("pagehide", tellLeft);
window.addEventListener("pageshow", event => { if (event.persisted) look(); });

document.querySelector("form[action='/logout']")?.addEventListener("submit", () => {
  store.drop("histories", () => true).catch(() => {});
});
forgetHistories();
choose(tool);
if (!review.mayEdit) stage.dataset.mode = "look";
try {
  await listSections();
  await listLeft();
  const asked = location.hash.slice(1);
  const first = order.find(key => key === asked) || order[0];
  if (first) await show(first);
  look();
} catch (failed) {
  review.complain(failed.message);
}
