// Designs side by side: the same point of the image, as one unit of each sees it, and what each costs.

import { colour, fill, h, pen } from "./dom.js";
import { DESIGN_COLOURS, plane, planeSize, spotlight } from "./paint.js";
import { NONE, fieldSize, percent, short, times } from "./words.js";
import { mapSize } from "./network.js";
import { grid, nearestUnit, viewOf } from "./view.js";

/** @typedef {import("./view.js").View} View */
/** @typedef {import("./network.js").Design} Design */

const WAYS = /** @type {Array<[string, string]>} */ ([
  ["depth", "same depth"],
  ["field", "same field"],
  ["resolution", "same resolution"],
]);
const SIDE = 190;

/**
 * @param {any} given @param {Design[]} designs
 * @param {{choose: (design: number, layer?: number, unit?: number[]) => void}} actions
 */
export function comparePanel(given, designs, actions) {
  const root = h("div", { class: "compare-tab" });
  if (designs.length < 2) {
    fill(
      root,
      h("p", { class: "lead" }, "One design is in this page. Give several to see them side by side:"),
      h("pre", { class: "code" }, `eyeshot report ${designs[0].given.typed} OTHER -o page.html`),
    );
    return { root, update: () => {} };
  }
  let way = "depth";
  const choice = h("div", { class: "chips", role: "group", "aria-label": "Layers aligned by" });
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
    quantities(given),
    layersTable(given, designs, actions),
    evidence(given),
  );
  /** @param {View} view */
  function update(view) {
    fill(
      choice,
      WAYS.map(([id, name]) =>
        h(
          "button",
          {
            type: "button",
            class: "chip",
            "aria-pressed": String(id === way),
            onclick: () => ((way = id), update(view)),
          },
          name,
        ),
      ),
    );
    const point = view.state.point ?? centreOf(view);
    fill(
      intro,
      `One unit of each design over pixel [${point.map(Math.round).join()}] of the image; layers are those at the ` +
        `${WAYS.find(([id]) => id === way)?.[1]} as `,
      h("span", { class: "unit-name" }, view.layer.name),
      ` of ${view.design.name}.`,
    );
    const shown = designs.map((design, i) => {
      const at = i === view.state.design ? view.at : counterpart(view, design, way);
      const own = { ...view.state, design: i, layer: at, point: null };
      const place = nearestUnit(
        /** @type {any} */ ({ design, at, units: mapSize(design, at) }),
        point.map((n, axis) => (n * design.extent[axis]) / view.design.extent[axis]),
      );
      return viewOf({ ...own, unit: place }, i === view.state.design ? view.design : design, true, () => {
        throw new Error("previews have no use");
      });
    });
    fill(
      cards,
      shown.map((each, i) => card(each, i, actions)),
    );
    shown.forEach((each, i) => drawCard(cards.children[i].querySelector("canvas"), each, i));
    drawChart(chart, designs, view, root.clientWidth || 520);
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

/** Layers that one compares: those that slide windows or have weights, on maps. @param {Design} design */
function compared(design) {
  const found = design.nodes.flatMap((node, at) =>
    at !== design.input && node.data.stride && /^(Conv|ConvTranspose|Pool)$/.test(node.form.type) ? [at] : [],
  );
  return found.length ? found : design.nodes.map((_, at) => at).filter((at) => at !== design.input);
}

/** @param {View} view @param {Design} design @param {string} way @returns {number} */
function counterpart(view, design, way) {
  const own = compared(view.design);
  const theirs = compared(design);
  if (way === "depth") {
    const before = own.filter((at) => at <= view.at).length;
    return theirs[Math.min(Math.max(before - 1, 0), theirs.length - 1)];
  }
  const value = (/** @type {Design} */ d, /** @type {number} */ at) =>
    way === "field" ? d.nodes[at].data.size.reduce((a, b) => a + b, 0) : mapSize(d, at).reduce((a, b) => a * b, 1);
  const goal = value(view.design, view.at);
  const near = theirs.reduce((best, at) =>
    Math.abs(value(design, at) - goal) <= Math.abs(value(design, best) - goal) ? at : best,
  );
  return near;
}

/** @param {View} view @param {number} i @param {any} actions */
function card(view, i, actions) {
  const { layer, design, field } = view;
  return h(
    "article",
    { class: "card" },
    h("h2", null, sign(i), " ", design.name),
    h("canvas", { role: "img", "aria-label": `${design.name}: ${layer.name} sees ${fieldSize(field)}` }),
    h(
      "p",
      null,
      h(
        "button",
        {
          type: "button",
          class: "row-name",
          title: layer.name,
          onclick: () => actions.choose(i, view.at, view.state.unit),
        },
        [...layer.name].length > 26 ? `…${[...layer.name].slice(-24).join("")}` : layer.name,
      ),
      ` ${layer.words}`,
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
    String.fromCharCode(65 + (i % 26)),
  );
}

/** @param {HTMLCanvasElement} canvas @param {View} view @param {number} i */
function drawCard(canvas, view, i) {
  const [rows, columns] = planeSize(view.design.extent);
  const unit = SIDE / Math.max(rows, columns);
  const place = { width: columns * unit, height: Math.max(rows * unit, 24) };
  const scale = { left: 1, top: 1, x: unit, y: place.height / rows };
  const context = pen(canvas, place.width + 2, place.height + 2);
  context.fillStyle = colour("paper");
  context.fillRect(1, 1, place.width, place.height);
  spotlight(
    context,
    plane(view.seen),
    scale,
    { left: 1, top: 1, ...place },
    colour("shade"),
    colour(DESIGN_COLOURS[i % DESIGN_COLOURS.length]),
  );
}

/** @param {HTMLCanvasElement} canvas @param {Design[]} designs @param {View} view @param {number} width */
function drawChart(canvas, designs, view, width) {
  const [w, high, left, bottom, top, right] = [Math.min(width, 640), 220, 46, 24, 10, 26];
  const context = pen(canvas, w, high);
  const lines = designs.map((design) => compared(design).map((at) => Math.max(...design.nodes[at].data.size)));
  const deepest = Math.max(...lines.map((line) => line.length), 2);
  const most = Math.max(...lines.flat(), ...designs.map((d) => Math.max(...d.extent)));
  const x = (/** @type {number} */ i) => left + (i / (deepest - 1)) * (w - left - right);
  const y = (/** @type {number} */ v) =>
    high - bottom - (Math.log2(Math.max(v, 1)) / Math.log2(most)) * (high - bottom - top);
  context.font = `11px ${colour("sans")}`;
  context.fillStyle = context.strokeStyle = colour("muted");
  context.lineWidth = 1;
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (let value = 1; value <= most; value *= 4) {
    context.globalAlpha = 0.35;
    context.strokeRect(left, y(value), w - left - right, 0);
    context.globalAlpha = 1;
    context.fillText(String(value), left - 6, y(value));
  }
  context.textAlign = "left";
  context.fillText("convolutions and pools, in order", left, high - 9);
  const input = Math.max(...designs[0].extent);
  context.setLineDash([2, 3]);
  context.strokeRect(left, y(input), w - left - right, 0);
  context.setLineDash([]);
  context.fillText(`input ${input}`, left + 4, y(input) - 8);
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
    context.fillText(String.fromCharCode(65 + (i % 26)), x(end) + 8, y(line[end]) + 1);
  });
}

/** @param {any} given */
function quantities(given) {
  const { labels, quantities: found, sentences } = given.comparison;
  return h(
    "section",
    null,
    h("h2", null, "What each sees and costs"),
    h(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": "Quantities, scrollable" },
      h(
        "table",
        { class: "quantities" },
        h("caption", null, `Changes are against ${labels[0]}`),
        h(
          "thead",
          null,
          h(
            "tr",
            null,
            h("td"),
            labels.map((/** @type {string} */ label, /** @type {number} */ i) => [
              h("th", { scope: "col", class: "number" }, sign(i), " ", label),
              i ? h("th", { scope: "col", class: "number" }, "change") : null,
            ]),
          ),
        ),
        h(
          "tbody",
          null,
          found.map((/** @type {any} */ each) =>
            h(
              "tr",
              null,
              h("th", { scope: "row", class: each.name.startsWith(" ") ? "part-of" : null }, each.name.trim()),
              each.texts.map((/** @type {string} */ text, /** @type {number} */ i) => [
                h("td", { class: "number" }, text),
                i ? h("td", { class: "number change" }, each.changes[i]) : null,
              ]),
            ),
          ),
        ),
      ),
    ),
    sentences.map((/** @type {string} */ text) => h("p", null, text)),
  );
}

/** @param {any} given @param {Design[]} designs @param {any} actions */
function layersTable(given, designs, actions) {
  const { labels, layers } = given.comparison;
  return h(
    "section",
    null,
    h("h2", null, "Layers of the same role"),
    h(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": "Layers side by side, scrollable" },
      h(
        "table",
        { class: "quantities" },
        h("caption", null, "Field and MACs; a name opens the layer"),
        h(
          "thead",
          null,
          h(
            "tr",
            null,
            h("th", { scope: "col" }, "layer"),
            labels.map((/** @type {string} */ label, /** @type {number} */ i) => [
              h("th", { scope: "col", class: "number" }, sign(i), " sees"),
              h("th", { scope: "col", class: "number" }, h("span", { class: "hidden" }, `${label} `), "MACs"),
            ]),
          ),
        ),
        h(
          "tbody",
          null,
          layers.map((/** @type {any} */ pair) =>
            h(
              "tr",
              null,
              h("th", { scope: "row" }, pair.role),
              pair.nodes.map((/** @type {number | null} */ at, /** @type {number} */ i) => {
                const node = at === null ? null : designs[i].nodes[at];
                return [
                  h(
                    "td",
                    { class: "number" },
                    node
                      ? h(
                          "button",
                          { type: "button", class: "row-name", title: node.name, onclick: () => actions.choose(i, at) },
                          fieldSize(node.field),
                        )
                      : NONE,
                  ),
                  h("td", { class: "number" }, node ? short(node.macs) : NONE),
                ];
              }),
            ),
          ),
        ),
      ),
    ),
  );
}

/** @param {any} given */
function evidence(given) {
  const found = given.evidence;
  if (!found) return null;
  return h(
    "section",
    null,
    h("h2", null, "Trained side by side"),
    h("p", null, found.terms),
    h(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": "Scores, scrollable" },
      h(
        "table",
        { class: "quantities" },
        h("caption", null, "Scores per design over paired seeds"),
        h(
          "thead",
          null,
          h(
            "tr",
            null,
            ["design", "score, %", "95 % interval", "seeds"].map((text, i) =>
              h("th", { scope: "col", class: i ? "number" : null }, text),
            ),
          ),
        ),
        h(
          "tbody",
          null,
          found.arms.map((/** @type {any} */ arm) =>
            h(
              "tr",
              null,
              h("th", { scope: "row" }, arm.label),
              h("td", { class: "number" }, arm.mean.toFixed(2)),
              h(
                "td",
                { class: "number" },
                arm.interval ? arm.interval.map((/** @type {number} */ n) => n.toFixed(2)).join(" – ") : NONE,
              ),
              h(
                "td",
                { class: "number" },
                Object.values(arm.scores)
                  .map((n) => Number(n).toFixed(2))
                  .join("  "),
              ),
            ),
          ),
        ),
      ),
    ),
    found.verdict.split("\n").map((/** @type {string} */ text) => h("p", { class: "lead" }, text)),
  );
}
