// The image with its tiles: cores, and what the tile under the pointer reads; sliders for the tile and the halo.

import { fill, h, labelled, s } from "./dom.js";
import { ofHalo, smallest, tilesAlong, workOf } from "./tiles.js";
import { whole } from "./words.js";

/** @typedef {import("./view.js").View} View */
/** @typedef {import("./document.js").TilesEntry} Tiles */
/** @typedef {import("./tiles.js").Tile} Tile */

const WIDE = 1000;
const MOST_LINES = 400;

export function tilesPanel() {
  let key = "";
  /** @type {{entry: Tiles, rows: Tile[][], at: number[], outline: SVGElement, core: SVGElement} | null} */
  let drawn = null;
  const verdict = h("div");
  const size = h("input", { type: "range", min: "0", step: "1" });
  const sizeWords = h("output", { class: "tiles-value" });
  const tolerance = h("input", { type: "range", min: "0", step: "1" });
  const toleranceWords = h("output", { class: "tiles-value" });
  const picture = h("div", {
    class: "tiles-picture",
    tabindex: "0",
    role: "group",
    "aria-label": "Tiles on the image; arrow keys move from tile to tile",
  });
  const reads = h("p", { class: "tiles-reads", "aria-live": "polite" });
  const facts = h("dl", { class: "totals" });
  const controls = h(
    "div",
    { class: "tiles-controls" },
    labelled("tile", h("span", null, size, sizeWords)),
    labelled("halo", h("span", null, tolerance, toleranceWords)),
  );
  const root = h("div", { class: "tiles-tab" }, verdict, controls, facts, picture, reads);

  /** @param {View} view */
  function update({ state, design }) {
    const entry = design.entry.tiles ?? null;
    const next = `${state.design}`;
    if (key === next) return;
    key = next;
    drawn = null;
    for (const each of [controls, facts, picture, reads]) each.hidden = !entry;
    fill(verdict, entry ? verdictOf(entry) : h("p", { class: "hint" }, "No tiles were planned for this design."));
    if (!entry) return;
    const sizes = sizesOf(entry);
    size.max = String(sizes.length - 1);
    const usual = Math.max(...entry.tile);
    size.value = String(
      Math.max(
        0,
        sizes.findIndex((n) => n >= usual),
      ),
    );
    tolerance.max = String(Math.max(0, entry.errors.length - 1));
    tolerance.value = tolerance.max;
    tolerance.disabled = entry.errors.length < 2;
    size.oninput = tolerance.oninput = () => draw(entry);
    draw(entry);
  }

  /** @param {Tiles} entry */
  function draw(entry) {
    const asked = sizesOf(entry)[Number(size.value)];
    const [halo, error] = entry.errors[Number(tolerance.value)] ?? [Infinity, 0];
    const lanes = entry.lanes.map((lane) => ofHalo(lane, halo));
    const tile = lanes.map((lane) => nearest(lane, asked));
    const rows = lanes.map((lane, axis) => tilesAlong(lane, tile[axis]));
    const isExact = Number(tolerance.value) === entry.errors.length - 1 || !entry.errors.length;
    sizeWords.textContent = `${tile.join(" × ")} px`;
    const sides = lanes.map(({ before, after }) => (before === after ? `${before}` : `${before} and ${after}`));
    const told = entry.prevents.length ? "of what comes before" : isExact ? "exact" : `error ${short(error)}`;
    toleranceWords.textContent = `${[...new Set(sides)].join(" × ")} px, ${told}`;
    const cores = tile.map((n, axis) => coreOf(rows[axis], n));
    fill(
      facts,
      fact("tiles", `${rows.map((row) => whole(row.length)).join(" × ")}`),
      fact("a core", `${cores.map(whole).join(" × ")} px`),
      fact("lattice", lanes.map(({ lattice }) => lattice).join(" × ")),
      fact("work", `${workOf(entry, lanes, rows).toFixed(2)} × the whole’s`),
    );
    const at = rows.map((row) => Math.floor(row.length / 2));
    const [outline, core] = [s("rect", { class: "tile-reads" }), s("rect", { class: "tile-core" })];
    drawn = { entry, rows, at, outline, core };
    fill(picture, imageOf(rows, entry, outline, core));
    point(at);
  }

  /** Show what a tile reads. @param {number[]} at */
  function point(at) {
    if (!drawn) return;
    drawn.at = at;
    const tiles = drawn.rows.map((row, axis) => row[at[axis]]);
    const [down, across] = seen(tiles);
    place(drawn.outline, across.start, down.start, across.size, down.size);
    place(drawn.core, across.first, down.first, across.end - across.first, down.end - down.first);
    const ranges = tiles.map(({ start, size: n }) => `${start}–${start + n - 1}`);
    const delivers = tiles.map(({ first, end }) => `${first}–${end - 1}`);
    reads.textContent = `Tile ${at.map((i) => i + 1).join(", ")} reads ${ranges.join(" × ")} and delivers ${delivers.join(" × ")}.`;
  }

  picture.addEventListener("pointermove", (event) => {
    const image = picture.querySelector("svg");
    if (!drawn || !image) return;
    const box = image.getBoundingClientRect();
    const shares = [(event.clientY - box.top) / box.height, (event.clientX - box.left) / box.width];
    const at = [...drawn.at];
    const first = drawn.rows.length - 2;
    drawn.rows.forEach((row, axis) => {
      const share = first < 0 ? shares[1] : shares[axis - first];
      if (share === undefined) return;
      const pixel = share * row[row.length - 1].end;
      const i = row.findIndex(({ end }) => pixel < end);
      at[axis] = i < 0 ? row.length - 1 : i;
    });
    if (at.join() !== drawn.at.join()) point(at);
  });
  picture.addEventListener("keydown", (event) => {
    const step = /** @type {Record<string, [number, number]>} */ ({
      ArrowUp: [2, -1],
      ArrowDown: [2, 1],
      ArrowLeft: [1, -1],
      ArrowRight: [1, 1],
    })[event.key];
    if (!drawn || !step) return;
    const axis = drawn.rows.length - step[0];
    if (axis < 0) return;
    event.preventDefault();
    const at = [...drawn.at];
    at[axis] = Math.min(Math.max(at[axis] + step[1], 0), drawn.rows[axis].length - 1);
    point(at);
  });
  return { root, update };
}

/** The axes that are drawn: the last two; a line is one pixel high. @param {Tile[]} tiles */
function seen(tiles) {
  const line = { start: 0, size: 1, first: 0, end: 1 };
  return tiles.length > 1 ? tiles.slice(-2) : [line, tiles[0]];
}

/** @param {Tile[][]} rows @param {Tiles} entry @param {SVGElement} outline @param {SVGElement} core */
function imageOf(rows, entry, outline, core) {
  const sizes = entry.lanes.map(({ n }) => n);
  const [height, width] = sizes.length > 1 ? sizes.slice(-2) : [1, sizes[0]];
  const [down, across] = rows.length > 1 ? rows.slice(-2) : [[], rows[0]];
  /** @param {Tile[]} row */
  const edges = (row) => (row.length > MOST_LINES ? [] : row.slice(1).map(({ first }) => first));
  const tall = rows.length > 1 ? Math.min(Math.max((WIDE * height) / width, 60), 1400) : 90;
  return s(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true", "--tall": tall / WIDE },
    s("rect", { class: "tiles-image", x: 0, y: 0, width, height }),
    outline,
    core,
    edges(across).map((x) => s("line", { x1: x, x2: x, y1: 0, y2: height })),
    edges(down).map((y) => s("line", { x1: 0, x2: width, y1: y, y2: y })),
  );
}

/** @param {SVGElement} rect @param {number} x @param {number} y @param {number} width @param {number} height */
function place(rect, x, y, width, height) {
  for (const [name, value] of Object.entries({ x, y, width, height })) rect.setAttribute(name, String(value));
}

/** Sizes that the longest axis can have, from the smallest tile to the whole. @param {Tiles} entry */
function sizesOf({ lanes }) {
  const lane = lanes.reduce((a, b) => (b.n > a.n ? b : a));
  const step = lane.lattice * Math.max(1, Math.ceil(lane.n / lane.lattice / 400));
  const sizes = [];
  for (let n = smallest(lane); n < lane.n; n += step) sizes.push(n);
  return [...sizes, lane.n];
}

/** The tile of about a size that an axis allows. @param {import("./tiles.js").Lane} lane @param {number} size */
function nearest(lane, size) {
  const least = smallest(lane);
  if (size >= lane.n || least >= lane.n) return lane.n;
  const below = size - ((((size - lane.residue) % lane.lattice) + lane.lattice) % lane.lattice);
  return Math.min(Math.max(below, least), lane.n);
}

/** @param {Tile[]} row @param {number} tile */
function coreOf(row, tile) {
  return row.length < 3 ? Math.max(...row.map(({ first, end }) => end - first), 0) || tile : row[1].end - row[1].first;
}

/** @param {number} error */
const short = (error) => (error ? error.toExponential(1).replace("e", " · 10^").replace("^+", "^") : "0");

/** @param {string} term @param {string} words */
const fact = (term, words) => h("div", null, h("dt", null, term), h("dd", null, words));

/** @param {Tiles} entry */
function verdictOf({ prevents, layers }) {
  const of = layers.join(", ");
  if (!prevents.length)
    return h("p", null, h("strong", null, "Equal: "), `tiles give the whole image’s numbers for ${of}.`);
  return [
    h("p", null, h("strong", null, "Differs: "), `these keep tiles from giving the whole image’s ${of}.`),
    h(
      "ul",
      { class: "tiles-prevents" },
      prevents.map(({ layer, op, why, cure }) =>
        h("li", null, h("strong", null, layer), ` (${op}) ${why}. `, h("span", { class: "hint" }, `To do: ${cure}.`)),
      ),
    ),
  ];
}
