// Where a pixel goes, as brainstack/geometry.py has it. A map is [a11, a12, tx, a21, a22, ty]; a pixel's centre has the
// whole-number coordinate. Angles are in radians, from x to y.
"use strict";
const geometry = (() => {
  const shift = (x, y) => [1, 0, x, 0, 1, y];

  // First `first`, then `then`.
  function chained(then, first) {
    const [a, b, c, d, e, f] = then, [g, h, i, j, k, l] = first;
    return [a * g + b * j, a * h + b * k, a * i + b * l + c, d * g + e * j, d * h + e * k, d * i + e * l + f];
  }

  function inverse([a, b, c, d, e, f]) {
    const size = a * e - b * d;
    const [p, q, r, s] = [e / size, -b / size, -d / size, a / size];
    return [p, q, -(p * c + q * f), r, s, -(r * c + s * f)];
  }

  const moved = ([a, b, c, d, e, f], [x, y]) => [a * x + b * y + c, d * x + e * y + f];
  const centre = ([rows, columns]) => [(columns - 1) / 2, (rows - 1) / 2];

  // A rotation about the middle of a canvas, then a shift in pixels; mirrored left-right before both.
  function rigid({rotation, x, y, mirrored}, canvas) {
    const [cos, sin, side] = [Math.cos(rotation), Math.sin(rotation), mirrored ? -1 : 1], [cx, cy] = centre(canvas);
    const turn = [side * cos, -sin, 0, side * sin, cos, 0];
    return chained(shift(cx + x, cy + y), chained(turn, shift(-cx, -cy)));
  }

  function parts(map, canvas) {
    const middle = centre(canvas), at = moved(map, middle);
    const side = map[0] * map[4] - map[1] * map[3] < 0 ? -1 : 1;
    return {rotation: Math.atan2(side * map[3], side * map[0]), x: at[0] - middle[0], y: at[1] - middle[1], mirrored: side < 0};
  }

  // The same map after what is seen was moved, turned (clockwise) or mirrored on the canvas that it starts from.
  const pushed = (map, dx, dy) => chained(map, shift(-dx, -dy));
  function turned(map, angle, [x, y]) {
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    return chained(map, chained(shift(x, y), chained([cos, sin, 0, -sin, cos, 0], shift(-x, -y))));
  }
  const flopped = (map, [x, y]) => chained(map, chained(shift(x, y), chained([-1, 0, 0, 0, 1, 0], shift(-x, -y))));

  // From edges of a picture's pixels (0 is the left edge of the first) to those of the canvas. scale : pixels of the
  // cleaned image to one of the picture.
  function drawn(map, scale) {
    const [a, b, c, d, e, f] = chained(shift(0.5, 0.5), chained(inverse(map), shift(-0.5, -0.5)));
    return [a * scale[0], b * scale[1], c, d * scale[0], e * scale[1], f];
  }

  return {shift, chained, inverse, moved, centre, rigid, parts, pushed, turned, flopped, drawn};
})();
