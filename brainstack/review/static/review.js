// What all pages share: sending changes, saying whether they were kept, and what went wrong.
"use strict";
const review = (() => {
  const csrf = document.body.dataset.csrf;
  const animal = document.body.dataset.animal;
  const find = id => document.getElementById(id);  // not there yet while this script is read

  class Failed extends Error {
    constructor(message, status) { super(message); this.status = status; }  // status: 0 where there was no answer
  }

  function say(text, isFailed = false) {
    const saving = find("saving");
    saving.textContent = text;
    saving.classList.toggle("failed", isFailed);
  }

  function complain(text) {
    const trouble = find("trouble");
    trouble.textContent = text;
    trouble.hidden = !text;
  }

  // Ask the server. Returns what it answered (JSON, or a Blob for pictures); throws Failed with a sentence.
  async function ask(method, url, body, changeId) {
    const headers = {"Accept": "application/json", "X-CSRF-Token": csrf};
    if (changeId) headers["X-Change-Id"] = changeId;
    const isBytes = body instanceof Blob || body instanceof ArrayBuffer;
    if (body !== undefined) headers["Content-Type"] = isBytes ? (body.type || "application/octet-stream") : "application/json";
    let answer;
    try {
      answer = await fetch(url, {method, headers, body: body === undefined || isBytes ? body : JSON.stringify(body)});
    } catch {
      throw new Failed("The server does not answer.", 0);
    }
    const isJson = (answer.headers.get("Content-Type") || "").startsWith("application/json");
    const said = isJson ? await answer.json() : await answer.blob();
    if (!answer.ok) throw new Failed((isJson && said.error) || `The server answered ${answer.status}.`, answer.status);
    return said;
  }

  // Change something: as ask, and the page says "Saving", "Saved" or what went wrong, and asks anew what will run.
  // While the server or its database is away, or a disk is full, the change is kept and sent again until it is there; the
  // server makes it once, also where only its answer was lost.
  const AWAY = [0, 401, 503, 507];  // 401: log in again, in another tab
  const LONGEST_PAUSE_MS = 10000;
  let waiting = 0;

  async function change(method, url, body) {
    const changeId = Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, "0")).join("");
    say("Saving ...");
    waiting += 1;
    try {
      const said = await sentUntilAnswered(method, url, body, changeId);
      say("Saved");
      complain("");
      document.body.dispatchEvent(new Event("stale"));
      return said;
    } catch (failed) {
      say("Not saved", true);
      complain(failed.message);
      throw failed;
    } finally {
      waiting -= 1;
    }
  }

  async function sentUntilAnswered(method, url, body, changeId) {
    for (let pause = 1000; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      try {
        return await ask(method, url, body, changeId);
      } catch (failed) {
        if (!AWAY.includes(failed.status)) throw failed;
        say("Not saved yet", true);
        complain(`${failed.message} Keep this page open: what you changed is sent again until it is saved.`);
      }
      await new Promise(done => setTimeout(done, pause));
    }
  }

  addEventListener("beforeunload", event => { if (waiting) event.preventDefault(); });

  // What htmx could not get. While the server is away, parts of the page are asked for again: those that poll do so by
  // themselves, the others wait for "again"; and what was complained of is taken back once one of them comes.
  const AGAIN_MS = 3000;
  const waitingForAgain = new WeakSet();
  let awaySaid = "";

  function htmxFailed(event, said) {
    const {elt, requestConfig, xhr} = event.detail;
    complain(said);
    if (requestConfig.verb !== "get" || !AWAY.includes(xhr.status)) return;
    awaySaid = said;
    // One that polls must not wake the part it is in: each of its failures would begin another round of questions.
    const listens = (elt.getAttribute("hx-trigger") || "").includes("again");
    if (!listens || waitingForAgain.has(elt)) return;
    waitingForAgain.add(elt);
    setTimeout(() => { waitingForAgain.delete(elt); if (elt.isConnected) htmx.trigger(elt, "again"); }, AGAIN_MS);
  }

  document.body.addEventListener("htmx:responseError", event => {
    let said = `The server answered ${event.detail.xhr.status}.`;
    try { said = JSON.parse(event.detail.xhr.responseText).error || said; } catch { /* not JSON: as it is */ }
    htmxFailed(event, said);
  });
  document.body.addEventListener("htmx:sendError", event => htmxFailed(event, "The server does not answer."));
  document.body.addEventListener("htmx:afterRequest", event => {
    if (!awaySaid || !event.detail.successful) return;
    if (find("trouble").textContent === awaySaid) complain("");
    awaySaid = "";
  });
  Object.assign(htmx.config, {includeIndicatorStyles: false, allowEval: false, selfRequestsOnly: true});

  return {animal, ask, change, say, complain, Failed, mayEdit: ["edit", "run"].includes(document.body.dataset.role)};
})();
