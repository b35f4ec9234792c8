// A mask: a value, 0 or 1, for each pixel of a section's thumbnail, and what a hand does to it.
// Pixel (column, row) reaches from column to column + 1 and from row to row + 1; a band is [first row, row after the last].

export class Bits {
  constructor(columns, rows, data) {
    this.columns = columns;
    this.rows = rows;
    this.data = data || new Uint8Array(columns * rows);
  }

  // As the server sends and takes them: rows and columns, 4 bytes each, then a bit a pixel.
  static ofPacked(buffer) {
    const head = new DataView(buffer), packed = new Uint8Array(buffer, 8);
    const bits = new Bits(head.getUint32(4), head.getUint32(0)), {data} = bits;
    for (let i = 0; i < data.length; i++) data[i] = (packed[i >> 3] >> (7 - (i & 7))) & 1;
    return bits;
  }

  async toPacked() {
    const bytes = new Uint8Array(8 + Math.ceil(this.data.length / 8)), head = new DataView(bytes.buffer), {data} = this;
    head.setUint32(0, this.rows);
    head.setUint32(4, this.columns);
    for (let i = 0; i < data.length; i++) if (data[i]) bytes[8 + (i >> 3)] |= 128 >> (i & 7);
    return new Response(new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"))).blob();
  }

  // Lengths of runs of equal pixels, row by row; the first is of zeros, and may be 0.
  runs() {
    const found = [];
    let value = 0, start = 0;
    for (let i = 0; i < this.data.length; i++) {
      if (this.data[i] !== value) { found.push(i - start); start = i; value ^= 1; }
    }
    found.push(this.data.length - start);
    return Uint32Array.from(found);
  }

  static ofRuns(columns, rows, runs) {
    const bits = new Bits(columns, rows);
    let at = 0;
    runs.forEach((length, i) => { if (i % 2) bits.data.fill(1, at, at + length); at += length; });
    return bits;
  }

  copy() { return new Bits(this.columns, this.rows, this.data.slice()); }

  has(column, row) {
    return column >= 0 && row >= 0 && column < this.columns && row < this.rows && this.data[row * this.columns + column] === 1;
  }

  // A stroke of a round brush: pixels whose middle is within the radius of the line, and those that the line is in.
  stroke(from, to, radius, value) {
    const distance = Math.hypot(to.x - from.x, to.y - from.y);
    const steps = Math.max(1, Math.ceil(distance / Math.max(0.5, radius / 4)));
    for (let i = 0; i <= steps; i++) {
      this.#disc(from.x + (to.x - from.x) * i / steps, from.y + (to.y - from.y) * i / steps, radius, value);
    }
    return this.#band(Math.min(from.y, to.y) - radius - 1, Math.max(from.y, to.y) + radius + 2);
  }

  #disc(x, y, radius, value) {
    this.#fillRow(Math.floor(y), Math.floor(x), Math.floor(x) + 1, value);
    const [top, bottom] = this.#band(y - radius, y + radius + 1);
    for (let row = top; row < bottom; row++) {
      const half = Math.sqrt(Math.max(0, radius * radius - (row + 0.5 - y) ** 2));
      if (half > 0) this.#fillRow(row, Math.ceil(x - half - 0.5), Math.floor(x + half - 0.5) + 1, value);
    }
  }

  #fillRow(row, left, right, value) {
    if (row < 0 || row >= this.rows) return;
    const start = Math.max(0, left), end = Math.min(this.columns, right);
    if (end > start) this.data.fill(value, row * this.columns + start, row * this.columns + end);
  }

  #band(top, bottom) {
    return [Math.max(0, Math.floor(top)), Math.max(0, Math.min(this.rows, Math.ceil(bottom)))];
  }

  // Pixels whose middle is inside a closed line (even-odd).
  polygon(points, value) {
    const ys = points.map(point => point.y);
    const [top, bottom] = this.#band(Math.min(...ys), Math.max(...ys));
    for (let row = top; row < bottom; row++) {
      const y = row + 0.5, crossings = [];
      points.forEach((a, i) => {
        const b = points[(i + 1) % points.length];
        if ((a.y <= y) !== (b.y <= y)) crossings.push(a.x + (y - a.y) * (b.x - a.x) / (b.y - a.y));
      });
      crossings.sort((a, b) => a - b);
      for (let i = 0; i + 1 < crossings.length; i += 2) {
        this.#fillRow(row, Math.ceil(crossings[i] - 0.5), Math.ceil(crossings[i + 1] - 0.5), value);
      }
    }
    return [top, bottom];
  }

  // What hangs together with a pixel and has its value. Tissue hangs together over corners, what is not tissue does not:
  // so a hole is closed where its outline is. Changes nothing; returns the pixels, their band, and whether they reach the
  // picture's edge: of what is no tissue, not all of them are found then.
  region(column, row) {
    const {columns, rows, data} = this, value = data[row * columns + column];
    const seen = new Uint8Array(data.length), found = new Int32Array(data.length);
    let top = row, bottom = row, reachesEdge = false, count = 1;
    found[0] = row * columns + column;
    seen[found[0]] = 1;
    const look = at => { if (!seen[at] && data[at] === value) { seen[at] = 1; found[count++] = at; } };
    for (let next = 0; next < count && (value || !reachesEdge); next++) {
      const at = found[next], x = at % columns, y = (at - x) / columns;
      const left = x > 0, right = x < columns - 1, up = y > 0, down = y < rows - 1;
      if (!(left && right && up && down)) reachesEdge = true;
      if (y < top) top = y;
      if (y > bottom) bottom = y;
      if (left) look(at - 1);
      if (right) look(at + 1);
      if (up) look(at - columns);
      if (down) look(at + columns);
      if (value) {
        if (left && up) look(at - columns - 1);
        if (right && up) look(at - columns + 1);
        if (left && down) look(at + columns - 1);
        if (right && down) look(at + columns + 1);
      }
    }
    return {pixels: found.subarray(0, count), band: [top, bottom + 1], reachesEdge};
  }

  set(pixels, value) { for (const at of pixels) this.data[at] = value; }
}

// The edges of a mask, row by row, so that only the rows that changed are looked at anew.
export class Outline {
  constructor(bits) {
    this.bits = bits;
    this.glass = new Uint8Array(bits.columns);  // what is above the first row, and below the last
    this.across = Array.from({length: bits.rows + 1}, () => []);  // pairs [from, to] along the upper edge of each row
    this.down = Array.from({length: bits.rows}, () => []);        // columns at whose left edge the value changes
    this.refresh([0, bits.rows]);
  }

  refresh([top, bottom]) {
    for (let row = top; row < bottom; row++) this.down[row] = this.#changes(row);
    for (let row = top; row <= bottom; row++) this.across[row] = this.#steps(row);
    this.path = null;
  }

  #changes(row) {
    const {columns, data} = this.bits, start = row * columns, found = [];
    let before = 0;
    for (let x = 0; x < columns; x++) if (data[start + x] !== before) { found.push(x); before ^= 1; }
    if (before) found.push(columns);
    return found;
  }

  #steps(row) {
    const {columns, rows, data} = this.bits, found = [];
    const here = row < rows ? data.subarray(row * columns, (row + 1) * columns) : this.glass;
    const above = row > 0 ? data.subarray((row - 1) * columns, row * columns) : this.glass;
    let from = -1;
    for (let x = 0; x < columns; x++) {
      if ((here[x] !== above[x]) === (from >= 0)) continue;
      if (from < 0) from = x;
      else { found.push(from, x); from = -1; }
    }
    if (from >= 0) found.push(from, columns);
    return found;
  }

  // As a path in the picture's pixels.
  toPath() {
    if (this.path) return this.path;
    const path = new Path2D();
    this.across.forEach((pairs, row) => {
      for (let i = 0; i < pairs.length; i += 2) { path.moveTo(pairs[i], row); path.lineTo(pairs[i + 1], row); }
    });
    this.down.forEach((columns, row) => {
      for (const x of columns) { path.moveTo(x, row); path.lineTo(x, row + 1); }
    });
    return this.path = path;
  }
}
