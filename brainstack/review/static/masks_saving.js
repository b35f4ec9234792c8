// Saving one section's mask: the newest one, one at a time, until the server said that it has it.

import {drafts} from "./masks_drafts.js";

const FIRST_WAIT_MS = 1000, LONGEST_WAIT_MS = 10000;
const PASSES = status => status === 0 || status === 401 || status >= 500;  // what may pass by itself

export class Saver {
  // address: of the section. version: of the mask that the server has. tell(saver): called whenever its state changes.
  constructor(name, address, version, tell) {
    Object.assign(this, {name, address, version, tell});
    this.state = "saved";  // or "saving", "lost" (tried again), "refused" (by the server), "conflict"
    this.said = "";
    this.sent = null;      // what was sent and is not confirmed: it is sent again as it was, as it may have arrived
    this.next = null;      // what was painted since
    this.isKept = true;    // in this browser; else what is not saved is in this tab only
    this.changes = 0;      // how often something was painted, or given up
    this.isBusy = false;
    this.waitMs = FIRST_WAIT_MS;
    window.addEventListener("online", () => this.again());
  }

  get isSaved() { return !this.sent && !this.next; }

  get newest() { return this.next ?? this.sent; }  // that the server does not have for sure; null where it has all

  // Save a mask. It is kept in this browser until the server has it.
  put(bits) {
    this.changes += 1;
    this.next = bits.copy();
    this.keep(this.next);
    if (this.state === "refused") this.sent = null;  // it was no mask that can be; this one may be
    if (this.state !== "conflict") this.#pump();
  }

  keep(bits) {
    const draft = {runs: bits.runs(), columns: bits.columns, rows: bits.rows, version: this.version, at: Date.now()};
    this.kept = drafts.keep(this.name, draft).then(() => this.#tellKept(true), error => {
      console.warn("masks: not kept here", error);
      this.#tellKept(false);
    });
  }

  #tellKept(isKept) {
    const isNews = isKept !== this.isKept;
    this.isKept = isKept;
    if (isNews && !this.isSaved) this.tell(this);
  }

  again() {
    clearTimeout(this.timer);
    if (!this.isSaved && this.state === "lost") this.#pump();
  }

  // Put what is here over the mask that the server has by now.
  over(version) {
    this.version = version;
    if (this.next) this.sent = null;
    this.state = "lost";
    this.#pump();
  }

  // Forget what was not saved. version: of the mask that is shown now.
  drop(version) {
    clearTimeout(this.timer);
    this.changes += 1;
    this.sent = this.next = null;
    this.version = version;
    drafts.done(this.name).catch(() => {});
    this.#become("saved");
  }

  // Once all is saved, which may take until the server is back. Throws where a person has to do something first.
  async settled() {
    while (!this.isSaved || this.isBusy) {
      if (["conflict", "refused"].includes(this.state)) throw new Error(this.said || "The mask is not saved yet.");
      await new Promise(resolve => setTimeout(resolve, 20));
    }
  }

  async #pump() {
    if (this.isBusy) return;
    this.isBusy = true;
    try {
      while (!this.isSaved) {
        if (!this.sent) [this.sent, this.next] = [this.next, null];
        if (this.state !== "lost") this.#become("saving");  // until it gets through, it says that it does not
        const address = `${this.address}/mask?based_on=${encodeURIComponent(this.version)}`;
        const said = await review.ask("PUT", address, await this.sent.toPacked());
        this.version = said.version;
        this.madeBy = said.made_by;
        this.sent = null;
        this.waitMs = FIRST_WAIT_MS;
        if (this.next) this.keep(this.next);  // it is based on what was saved just now
      }
      await this.kept;
      if (this.isSaved) await drafts.done(this.name).catch(() => {});
      if (this.isSaved) this.#become("saved");
    } catch (failed) {
      await this.kept;  // before it is said whether it is kept here
      this.#fail(failed);
    } finally {
      this.isBusy = false;
    }
    if (this.next && this.state === "saving") this.#pump();  // it was painted while the last one was put away
  }

  #fail(failed) {
    if (failed.status === 409) return this.#become("conflict", failed.message);
    if (!PASSES(failed.status ?? 0)) {
      if (!this.next) return this.#become("refused", failed.message);
      this.sent = null;  // it could not be kept; what was painted since may be
      this.state = "saving";
      return;
    }
    this.#become("lost", failed.message);
    this.timer = setTimeout(() => this.again(), this.waitMs);
    this.waitMs = Math.min(2 * this.waitMs, LONGEST_WAIT_MS);
  }

  #become(state, said = "") {
    this.state = state;
    this.said = said;
    this.tell(this);
  }
}
