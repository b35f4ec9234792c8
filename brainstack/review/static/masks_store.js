// What this browser keeps of masks, so that a tab that is closed, or loses its connection, loses nothing: drafts, which
// are strokes that the server does not have yet, and histories, for undo.

const NAME = "brainstack masks", STORES = ["drafts", "histories"];
let opened;

function open() {
  opened ||= new Promise((resolve, reject) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => STORES.forEach(name => asked.result.createObjectStore(name));
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
  opened.then(database => { database.onclose = () => { opened = null; }; }, () => { opened = null; });  // try once more
  return opened;
}

async function within(store, mode, work) {
  const database = await open();
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(store, mode);
    const asked = work(transaction.objectStore(store));
    transaction.oncomplete = () => resolve(asked.result);
    transaction.onerror = transaction.onabort = () => reject(transaction.error);
  });
}

function eachOf(store, work) {
  const asked = store.openCursor();
  asked.onsuccess = () => {
    if (!asked.result) return;
    work(asked.result);
    asked.result.continue();
  };
  return asked;
}

// Nothing follows: so it is done even where the page goes away at once.
function last(one, asked) {
  one.transaction.commit();
  return asked;
}

export const store = {
  get: (kind, name) => within(kind, "readonly", one => one.get(name)),
  put: (kind, name, value) => within(kind, "readwrite", one => last(one, one.put(value, name))),
  remove: (kind, name) => within(kind, "readwrite", one => last(one, one.delete(name))),
  drop: (kind, isOld) => within(kind, "readwrite", one => eachOf(one, found => { if (isOld(found.value)) found.delete(); })),
  names: kind => within(kind, "readonly", one => one.getAllKeys()),
};
