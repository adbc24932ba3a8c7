// What the unit uses of what it can see: widths, profiles, and the share of the field used, layer by layer.

import { chips, layerButton, offer } from "./controls.js";
import { fill, h } from "./dom.js";
import { densitySteps } from "./density.js";
import { patiently } from "./estimate.js";
import { measuredOf, origin } from "./measured.js";
import { boxAround, isSliding, middle, onMap, seenBy } from "./network.js";
import { boxHolding, pixelsIn, sizeOf } from "./box.js";
import { profileChart } from "./profile.js";
import { profile, sigma, width } from "./spread.js";
import { bar, column, named, number, numbers, row, scrollable, table } from "./tables.js";
import { unitName } from "./view.js";
import { NONE, axisNames, percent, plain, times } from "./words.js";

/** @typedef {import("./view.js").View} View */

const SHARES = [0.5, 0.68, 0.95, 0.99];

/**
 * @param {import("./document.js").PageDocument} page
 * @param {{pick: (layer: number) => void, setUse: (use: string) => void}} actions
 */
export function effectivePanel(page, actions) {
  const lead = h("p", { class: "lead" });
  const choice = chips("Source of the effective field");
  const widths = scrollable("Widths", null);
  const charts = h("div", { class: "profiles" });
  const legend = h(
    "p",
    { class: "hint" },
    "Framed: can see; hatched: cannot. Below: the shortest interval that holds 50 %, whole, and 95 %, dashed.",
  );
  const byDepth = h("div", { class: "by-depth" });
  const root = h(
    "div",
    { class: "effective-tab" },
    lead,
    choice,
    widths,
    charts,
    legend,
    h("h2", null, "Share of the field used, by depth"),
    byDepth,
    h(
      "p",
      { class: "hint" },
      "The field used is the box that holds 95 % of the path density, along the data path, of each layer’s middle " +
        "unit; share of the pixels it can see. Path density (Luo et al. 2016): every unit shares its weight among what " +
        "it reads, as under random weights.",
    ),
  );
  let depthKey = "";
  let stop = () => {};

  /** @param {View} view */
  function update(view) {
    if (view.isPreview || view.state.point) {
      if (view.state.point) fill(lead, "A pixel is selected; choose a unit to see what it uses.");
      root.toggleAttribute("data-point", Boolean(view.state.point));
      return;
    }
    root.removeAttribute("data-point");
    const measured = measuredOf(page.effective, view.design, view.layer.name);
    const use = view.use();
    const sources = measured.map((each, i) => [String(i), origin(each)]);
    if (sources.length) sources.unshift(["-", "path density"]);
    offer(
      choice,
      sources.map(([id, words]) => /** @type {const} */ ([id, words])),
      chosen(view.state.use, measured.length),
      actions.setUse,
    );
    if (use.isPending) {
      fill(lead, "What it uses is being computed.");
    } else if (!use.mass) {
      fill(
        lead,
        h("span", { class: "unit-name" }, unitName(view)),
        `: ${use.reason}; eyeshot effective measures it with gradients.`,
      );
      fill(widths);
      fill(charts);
      legend.hidden = true;
    } else {
      const { mass } = use;
      const profiles = mass.size.map((_, axis) => profile(mass, axis));
      const most = /** @type {import("./box.js").Range[]} */ (use.most);
      const sees = seen(view, use.gates);
      fill(
        lead,
        h("span", { class: "unit-name" }, unitName(view)),
        " has 95 % of what it uses in ",
        h("strong", null, times(sizeOf(most))),
        `: ${percent(pixelsIn(most) / pixelsIn(sees))} of the ${times(sizeOf(sees))} pixels that it can see`,
        !use.gates && view.design.gates ? ", gates and statistics left out. " : ". ",
        h("span", { class: "muted" }, `${use.source}.`),
      );
      fill(widths, widthsTable(view, profiles));
      legend.hidden = false;
      fill(
        charts,
        profiles.map((values, axis) => profileChart(view, values, axis, mass.low[axis], root.clientWidth || 520)),
      );
    }
    depths(view);
  }

  /** The bars by depth, computed while the browser is idle. @param {View} view */
  function depths(view) {
    const key = `${view.state.design} ${view.state.edits}`;
    for (const row of /** @type {NodeListOf<HTMLElement>} */ (byDepth.querySelectorAll("[data-layer]")))
      row.toggleAttribute("data-on", row.dataset.layer === String(view.at));
    if (key === depthKey) return;
    depthKey = key;
    stop();
    const { design } = view;
    const chosenLayers = sliding(design);
    const body = h("tbody");
    const heads = [column("layer"), numbers("sees"), numbers("uses (95 %)"), column("share used")];
    fill(byDepth, table("bars", `${chosenLayers.length} layers that slide windows`, heads, body));
    stop = patiently(depthRows(design, chosenLayers, body, actions), () => {}, 12);
  }
  return { root, update };
}

/**
 * What the unit sees along the paths that its use is told of.
 * @param {View} view @param {boolean} gates @returns {import("./box.js").Range[]}
 */
function seen({ state, design, at, box }, gates) {
  const around =
    gates === state.gates
      ? box
      : boxAround(onMap(design, design.input, seenBy(design, at, state.unit, gates)[design.input]));
  return around ?? design.extent.map((n) => [0, n - 1]);
}

/** Which source is chosen, as far as there is one. @param {string} at @param {number} count */
export function chosen(at, count) {
  if (!count || at === "-") return "-";
  return at !== "" && Number(at) < count ? at : "0";
}

/**
 * Convolutions and pools on maps, thinned out where there are very many.
 * @param {import("./network.js").Design} design
 */
function sliding(design) {
  const layers = design.nodes.flatMap((node, at) =>
    isSliding(node) && node.data.stride && node.data.size.some((n) => n > 1) ? [at] : [],
  );
  const most = 60;
  const step = Math.max(1, Math.ceil(layers.length / most));
  return layers.filter((_, i) => i % step === 0 || i === layers.length - 1);
}

/**
 * Row after row, between frames.
 * @param {import("./network.js").Design} design @param {number[]} layers @param {HTMLElement} body
 * @param {{pick: (layer: number) => void}} actions
 * @returns {Generator<void, void>}
 */
function* depthRows(design, layers, body, actions) {
  for (const at of layers)
    body.append(depthRow(design, at, (yield* densitySteps(design, at, middle(design, at))).mass, actions));
}

/**
 * @param {import("./network.js").Design} design @param {number} at @param {import("./density.js").Mass | null} mass
 * @param {{pick: (layer: number) => void}} actions
 */
function depthRow(design, at, mass, actions) {
  const node = design.nodes[at];
  const sees = node.data.size.map((n, axis) => Math.min(n, design.extent[axis]));
  const box = mass && boxHolding(mass, 0.95);
  const used = box && sizeOf(box);
  const share = box ? pixelsIn(box) / sees.reduce((a, b) => a * b, 1) : 0;
  return h(
    "tr",
    { "data-layer": at },
    named(layerButton(node.name, () => actions.pick(at))),
    number(times(sees)),
    number(used ? times(used) : NONE),
    bar(share, h("span", null, used ? percent(Math.min(share, 1)) : NONE)),
  );
}

/** @param {View} view @param {Float64Array[]} profiles */
function widthsTable({ box }, profiles) {
  const names = axisNames(profiles.length);
  const rows = profiles.map((values, axis) =>
    row(
      named(names[axis]),
      SHARES.map((share) => number(plain(width(values, share), 1))),
      number(plain(sigma(values), 2)),
      number(box ? box[axis][1] - box[axis][0] + 1 : NONE),
    ),
  );
  const heads = [h("td"), SHARES.map((share) => numbers(`${100 * share} %`)), numbers("σ"), numbers("can see")];
  const caption = "Widths in pixels: the shortest interval along each axis that holds so much of it";
  return table("quantities", caption, heads, rows);
}
