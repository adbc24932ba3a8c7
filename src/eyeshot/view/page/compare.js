// Designs side by side: the same point of the image, as one unit of each sees it, and what each costs.

import { chips, layerButton, offer } from "./controls.js";
import { colour, fill, font, h, pen } from "./dom.js";
import { DESIGN_COLOURS, plane, planeSize, spotlight } from "./paint.js";
import { column, named, number, numbers, row, scrollable, stacked, table } from "./tables.js";
import { NONE, fieldSize, percent, plain, short, times } from "./words.js";
import { isSliding, mapSize } from "./network.js";
import { grid, nearestUnit, unitName, viewOf } from "./view.js";

/** @typedef {import("./view.js").View} View */
/** @typedef {import("./network.js").Design} Design */
/** @typedef {import("./document.js").PageDocument} PageDocument */
/** @typedef {import("./document.js").Comparison} Comparison */
/** @typedef {{choose: (design: number, layer?: number, unit?: number[]) => void}} Choosing */

const WAYS = /** @type {Array<[string, string]>} */ ([
  ["depth", "same depth"],
  ["field", "same field"],
  ["resolution", "same resolution"],
]);
const SIDE = 190;
/** Room for the outline of a field as large as the image. */
const EDGE = 3;

/**
 * @param {PageDocument} page @param {Design[]} designs
 * @param {Choosing} actions
 */
export function comparePanel(page, designs, actions) {
  const root = h("div", { class: "compare-tab" });
  const { comparison } = page;
  if (!comparison) {
    fill(
      root,
      h("p", { class: "lead" }, "One design is in this page. Give several to see them side by side:"),
      h("pre", { class: "code" }, `eyeshot report ${designs[0].entry.typed} OTHER -o page.html`),
    );
    return { root, update: () => {} };
  }
  let way = "depth";
  const choice = chips("Layers aligned by");
  const cards = h("div", { class: "cards" });
  const chart = h("canvas", { role: "img", "aria-label": "Field against depth, one line a design" });
  const intro = h("p", { class: "lead" });
  fill(
    root,
    intro,
    choice,
    cards,
    h("h2", null, "Field against depth"),
    chart,
    quantities(comparison),
    layersTable(comparison, designs, actions),
    evidence(page.evidence),
  );
  /** @param {View} view */
  function update(view) {
    offer(choice, WAYS, way, (id) => {
      way = id;
      update(view);
    });
    const point = view.state.point ?? centreOf(view);
    fill(
      intro,
      h("span", { class: "unit-name" }, unitName(view)),
      ` of ${view.design.name}, and of every other design the unit over the same point of the image, pixel ` +
        `[${point.map(Math.round).join()}], in the layer at the ${WAYS.find(([id]) => id === way)?.[1]}.`,
    );
    const shown = designs.map((design, i) => {
      const at = i === view.state.design ? view.at : counterpart(view, design, way);
      const unit = nearestUnit(
        { design, at, units: mapSize(design, at) },
        point.map((n, axis) => (n * design.extent[axis]) / view.design.extent[axis]),
      );
      const state = { ...view.state, design: i, layer: at, unit, point: null };
      return viewOf(state, i === view.state.design ? view.design : design, true, () => {
        throw new Error("previews have no use");
      });
    });
    fill(
      cards,
      shown.map((each, i) => card(each, i, actions)),
    );
    drawChart(chart, designs, root.clientWidth || 520);
  }
  return { root, update };
}

/** Where the selected unit's field is centred. @param {View} view @returns {number[]} */
function centreOf(view) {
  return view.state.unit.map((n, axis) => {
    const { first, step } = grid(view.design, view.at, axis);
    return Math.min(Math.max(first + n * step - 0.5, 0), view.design.extent[axis] - 1);
  });
}

/**
 * Layers that count as depth, and what they are: convolutions; without any, all that slide windows; else all.
 * @param {Design} design @returns {{layers: number[], words: string}}
 */
function depthOf(design) {
  const all = design.nodes.map((_, at) => at).filter((at) => at !== design.input);
  const sliding = all.filter((at) => design.nodes[at].data.stride && isSliding(design.nodes[at]));
  const weighted = sliding.filter((at) => design.nodes[at].params);
  if (weighted.length) return { layers: weighted, words: "convolutions" };
  return sliding.length ? { layers: sliding, words: "layers that slide windows" } : { layers: all, words: "layers" };
}

/** @param {View} view @param {Design} design @param {string} way @returns {number} */
function counterpart(view, design, way) {
  const { layers } = depthOf(design);
  if (way === "depth") {
    const depth = depthOf(view.design).layers.filter((at) => at <= view.at).length;
    return layers[Math.min(Math.max(depth - 1, 0), layers.length - 1)];
  }
  const value = (/** @type {Design} */ d, /** @type {number} */ at) =>
    way === "field" ? d.nodes[at].data.size.reduce((a, b) => a + b, 0) : mapSize(d, at).reduce((a, b) => a * b, 1);
  const goal = value(view.design, view.at);
  return layers.reduce((best, at) =>
    Math.abs(value(design, at) - goal) <= Math.abs(value(design, best) - goal) ? at : best,
  );
}

/** @param {View} view @param {number} i @param {Choosing} actions */
function card(view, i, actions) {
  const { layer, design, field } = view;
  const canvas = h("canvas", { role: "img", "aria-label": `${design.name}: ${layer.name} sees ${fieldSize(field)}` });
  drawCard(canvas, view, i);
  return h(
    "article",
    { class: "card" },
    h("h2", null, sign(i), " ", design.name),
    canvas,
    h(
      "p",
      null,
      layerButton(unitName(view), () => actions.choose(i, view.at, view.state.unit)),
      `: ${layer.words}`,
    ),
    h(
      "p",
      null,
      "sees ",
      h("strong", null, fieldSize(field)),
      `, ${percent(view.count / view.pixels)} of the image; map ${times(view.units)}`,
    ),
  );
}

/** A design's letter on its colour. @param {number} i */
export function sign(i) {
  return h(
    "span",
    { class: `sign sign-${DESIGN_COLOURS[i % DESIGN_COLOURS.length]}`, "aria-hidden": "true" },
    letter(i),
  );
}

/** @param {number} i */
const letter = (i) => String.fromCharCode(65 + (i % 26));

/** @param {HTMLCanvasElement} canvas @param {View} view @param {number} i */
function drawCard(canvas, view, i) {
  const [rows, columns] = planeSize(view.design.extent);
  const unit = SIDE / Math.max(rows, columns);
  const place = { width: columns * unit, height: Math.max(rows * unit, 24) };
  const area = { left: EDGE, top: EDGE, ...place };
  const scale = { left: EDGE, top: EDGE, x: unit, y: place.height / rows };
  const context = pen(canvas, place.width + 2 * EDGE, place.height + 2 * EDGE);
  context.fillStyle = colour("paper");
  context.fillRect(EDGE, EDGE, place.width, place.height);
  context.strokeStyle = colour("muted");
  context.lineWidth = 1;
  context.strokeRect(EDGE - 0.5, EDGE - 0.5, place.width + 1, place.height + 1);
  const line = colour(DESIGN_COLOURS[i % DESIGN_COLOURS.length]);
  spotlight(context, plane(view.seen), scale, area, colour("shade"), line);
}

/** @param {HTMLCanvasElement} canvas @param {Design[]} designs @param {number} width */
function drawChart(canvas, designs, width) {
  const [w, high, left, bottom, top, right] = [Math.min(width, 640), 236, 46, 40, 12, 26];
  const context = pen(canvas, w, high);
  const depths = designs.map(depthOf);
  const lines = depths.map(({ layers }, i) => layers.map((at) => Math.max(...designs[i].nodes[at].data.size)));
  const deepest = Math.max(...lines.map((line) => line.length), 2);
  const input = Math.max(...designs[0].extent);
  const most = Math.max(...lines.flat(), input, 2);
  const x = (/** @type {number} */ i) => left + (i / (deepest - 1)) * (w - left - right);
  const y = (/** @type {number} */ v) =>
    high - bottom - (Math.log2(Math.max(v, 1)) / Math.log2(most)) * (high - bottom - top);
  context.font = font("sans");
  context.fillStyle = context.strokeStyle = colour("muted");
  context.lineWidth = 1;
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (let value = 1; value <= most; value *= 4) {
    if (Math.abs(y(value) - y(input)) < 13) continue;
    context.globalAlpha = 0.35;
    context.strokeRect(left, y(value), w - left - right, 0);
    context.globalAlpha = 1;
    context.fillText(String(value), left - 6, y(value));
  }
  context.setLineDash([2, 3]);
  context.strokeRect(left, y(input), w - left - right, 0);
  context.setLineDash([]);
  context.fillText(String(input), left - 6, y(input));
  context.textAlign = "center";
  const step = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].find((n) => x(n) - x(0) >= 26) ?? deepest;
  for (let depth = 1; depth <= deepest; depth += depth === 1 && step > 1 ? step - 1 : step) {
    context.strokeRect(x(depth - 1), high - bottom, 0, 4);
    context.fillText(String(depth), x(depth - 1), high - bottom + 12);
  }
  context.textAlign = "left";
  const words = [...new Set(depths.map((each) => each.words))].join(" or ");
  context.fillText(`${words}, in order; dotted: the input`, left, high - 8);
  lines.forEach((line, i) => {
    context.strokeStyle = context.fillStyle = colour(DESIGN_COLOURS[i % DESIGN_COLOURS.length]);
    context.lineWidth = 2;
    context.setLineDash([[], [6, 3], [2, 2], [8, 3, 2, 3]][i % 4]);
    context.beginPath();
    line.forEach((value, n) => (n ? context.lineTo(x(n), y(value)) : context.moveTo(x(n), y(value))));
    context.stroke();
    context.setLineDash([]);
    const end = line.length - 1;
    context.beginPath();
    context.arc(x(end), y(line[end]), 3.5, 0, 7);
    context.fill();
  });
  ends(lines.map((line) => [x(line.length - 1), y(line[line.length - 1])])).forEach(([at, height], i) => {
    context.fillStyle = colour(DESIGN_COLOURS[i % DESIGN_COLOURS.length]);
    context.fillText(letter(i), at + 8, height);
  });
}

/** Where letters stand at the ends of lines, moved apart where they would cover each other.
 *  @param {number[][]} points @returns {number[][]} */
function ends(points) {
  const order = points.map((_, i) => i).sort((a, b) => points[a][1] - points[b][1]);
  const places = points.map((point) => point.slice());
  order.forEach((i, rank) => {
    for (const above of order.slice(0, rank)) {
      const isNear = Math.abs(places[above][0] - places[i][0]) < 14;
      if (isNear && places[i][1] < places[above][1] + 12) places[i][1] = places[above][1] + 12;
    }
  });
  return places;
}

/** @param {Comparison} comparison */
function quantities({ labels, quantities: lines, sentences }) {
  const heads = labels.map((label, i) => [
    numbers(sign(i), " ", label),
    i ? column("change", "number unsigned") : null,
  ]);
  const rows = lines.map(({ name, texts, changes }) =>
    row(
      named(name.trim(), name.startsWith(" ") ? "part-of" : null),
      texts.map((text, i) => [number([phoneSign(i), text]), i ? number(changes[i], "number change") : null]),
    ),
  );
  const caption = `Changes are against ${labels[0]}`;
  return h(
    "section",
    null,
    h("h2", null, "What each sees and costs"),
    scrollable("Quantities", stacked(table("quantities", caption, [h("td"), heads], rows))),
    sentences.map((text) => h("p", null, text)),
  );
}

/** The design's letter before a number of it, where cells stand below each other. @param {number} i */
const phoneSign = (i) => h("span", { class: "stacked-sign", "aria-hidden": "true" }, sign(i), " ");

/** @param {Comparison} comparison @param {Design[]} designs @param {Choosing} actions */
function layersTable({ labels, layers }, designs, actions) {
  const heads = labels.map((label, i) => [
    numbers(sign(i), " sees"),
    column([h("span", { class: "hidden" }, `${label} `), "MACs"], "number unsigned"),
  ]);
  const cells = (/** @type {number | null} */ at, /** @type {number} */ i) => {
    if (at === null) return [number([phoneSign(i), NONE]), number(NONE)];
    const node = designs[i].nodes[at];
    const open = h(
      "button",
      { type: "button", class: "row-name", title: node.name, onclick: () => actions.choose(i, at) },
      fieldSize(node.field),
    );
    return [number([phoneSign(i), open]), number(short(node.macs))];
  };
  const rows = layers.map(({ role, nodes }) => row(named(role), nodes.map(cells)));
  return h(
    "section",
    null,
    h("h2", null, "Layers of the same role"),
    scrollable(
      "Layers side by side",
      stacked(table("quantities", "Field and MACs; a size opens the layer", [column("layer"), heads], rows)),
    ),
  );
}

/** @param {import("./document.js").Evidence | null} scored */
function evidence(scored) {
  if (!scored) return null;
  const points = (/** @type {number} */ score) => plain(score, 2);
  const ends = (/** @type {import("./document.js").Interval | null} */ over) =>
    over ? over.interval.map(points).join(" – ") : NONE;
  const rows = scored.arms.map(({ label, mean, seeds, seeds_and_images: wider, scores }) =>
    row(
      named(label),
      number(points(mean)),
      number(ends(seeds)),
      number(ends(wider)),
      number(Object.values(scores).map(points).join("  ")),
    ),
  );
  const heads = [column("design"), ["score, %", "other seeds", "and images", "seeds"].map((text) => numbers(text))];
  return h(
    "section",
    null,
    h("h2", null, "Trained side by side"),
    h("p", null, scored.terms),
    scrollable("Scores", table("quantities", "Scores per design over paired seeds", heads, rows)),
    measures(scored.measured),
    scored.verdict.split("\n").map((text) => h("p", { class: "lead" }, text)),
  );
}

/** What was measured beside accuracy. @param {import("./document.js").MeasuresTable | null} measured */
function measures(measured) {
  if (!measured) return null;
  const heads = measured.heads.map((text, i) => (i < 2 ? column(text) : numbers(text)));
  const rows = measured.rows.map(([measure, design, ...cells]) =>
    row(
      named(measure),
      named(design),
      cells.map((cell) => number(cell)),
    ),
  );
  return [
    scrollable("Measures", table("quantities", "Measures per design over paired seeds", heads, rows)),
    measured.says.map((text) => h("p", null, text)),
  ];
}
