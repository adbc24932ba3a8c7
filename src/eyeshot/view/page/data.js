// The numbers themselves: of the selected unit, of the ledger, and the whole document.

import { csv } from "./csv.js";
import { fill, h } from "./dom.js";
import { area, bands, boxAround, onMap, seenBy } from "./network.js";

/** @typedef {import("./document.js").PageDocument} PageDocument */
/** @typedef {import("./view.js").View} View */

/** @param {PageDocument} page */
export function dataPanel(page) {
  const text = h("pre", { class: "code", tabindex: "0", "aria-label": "The selected unit as JSON" });
  const links = h("p", { class: "chips" });
  const source = h("p", { class: "hint" });
  const root = h(
    "div",
    { class: "data-tab" },
    links,
    h("h2", null, "The selected unit"),
    text,
    h("h2", null, "The same from a shell"),
    h("pre", { class: "code", tabindex: "0", "aria-label": "Commands" }, source),
    notes(page),
  );
  /** @type {string[]} */
  let urls = [];
  /** @param {View} view */
  function update(view) {
    const document = unitDocument(view);
    text.textContent = JSON.stringify(document, null, 1).replace(/\[\s+(-?\d+),\s+(-?\d+)\s+\]/g, "[$1, $2]");
    const { typed: name } = view.design.entry;
    const shape = view.design.nodes[view.design.input].shape.slice(1).join("x");
    const unit = position(view);
    const at = unit.length ? ` --at ${unit.join()}` : "";
    source.textContent = [
      `eyeshot field ${quoted(name)} ${quoted(view.layer.name)}${at} --input ${shape}`,
      `eyeshot why ${quoted(name)} ${quoted(view.layer.name)} --input ${shape}`,
      `eyeshot show ${quoted(name)} --input ${shape} --all --csv`,
    ].join("\n");
    for (const url of urls) URL.revokeObjectURL(url);
    urls = [];
    fill(
      links,
      download("unit.json", JSON.stringify(document), "application/json", "this unit, JSON"),
      download("layers.csv", csv(view.design), "text/csv", "all layers, CSV"),
      download("page.json", JSON.stringify(page), "application/json", "everything, JSON"),
    );
  }
  /** @param {string} name @param {string} content @param {string} type @param {string} words */
  function download(name, content, type, words) {
    const url = URL.createObjectURL(new Blob([content], { type }));
    urls.push(url);
    return h("a", { class: "chip", href: url, download: name }, words);
  }
  return { root, update };
}

/**
 * What `eyeshot field … --json` prints of the selected unit: along all paths, whichever are shown, and apart from that
 * along the data path where it differs. A pixel that was picked is told with the layer in view.
 * @param {View} view
 */
function unitDocument(view) {
  const { design, at, layer, state } = view;
  if (state.point) return { pixel: state.point, layer: layer.name, design: design.name };
  const all = unitSees(view, true);
  const data = layer.data === layer.field ? all : unitSees(view, false);
  const apart = JSON.stringify([all.hull, all.clipped]) !== JSON.stringify([data.hull, data.clipped]);
  return {
    schema: "eyeshot.field/1",
    layer: design.nodes[at].name,
    unit: layer.places.some((place) => place !== null) ? position(view) : design.extent.map(() => 0),
    hull: all.hull,
    clipped: all.clipped,
    global: all.clipped.every(([first, last], axis) => first === 0 && last === design.extent[axis] - 1),
    exact: !layer.field.bound,
    footprint: { count: area(all.seen), boxes: bands(all.seen).flatMap(rectangles) },
    ...(apart && { data_hull: data.hull, data_clipped: data.clipped }),
  };
}

/**
 * The pixels that the selected unit sees along some paths, the box around them, and that box on an endless image: null
 * where only the command knows it.
 * @param {View} view @param {boolean} gates
 */
function unitSees({ design, at, layer, state }, gates) {
  const field = gates ? layer.field : layer.data;
  const seen = onMap(design, design.input, seenBy(design, at, state.unit, gates)[design.input]);
  const clipped = boxAround(seen) ?? design.extent.map(() => [0, -1]);
  const ends = clipped.map((range, axis) => unclipped(field, axis, state.unit[axis], range, design.extent[axis]));
  return { seen, clipped, hull: ends.includes(null) ? null : ends };
}

/**
 * A range of a unit's field on an endless image, from its field's closed form or, where that has no start, from the end
 * that lies inside the image.
 * @param {import("./network.js").Field} field @param {number} axis @param {number} unit @param {number[]} clipped
 * @param {number} extent
 */
function unclipped(field, axis, unit, [first, last], extent) {
  const size = field.size[axis];
  const [start, step] = [field.start?.[axis], field.stride?.[axis]];
  if (last - first + 1 === size || (first > 0 && last < extent - 1)) return [first, last];
  if (field.irregular) return null;
  if (start != null && step != null && Number.isInteger(step))
    return [start + step * unit, start + step * unit + size - 1];
  if (first > 0) return [first, first + size - 1];
  return last < extent - 1 && last >= first ? [last - size + 1, last] : null;
}

/** The selected unit's place on its layer's map, in the order of the layer's own axes. @param {View} view */
function position({ layer, state }) {
  return layer.places
    .flatMap((place, axis) => (place === null ? [] : [[place, state.unit[axis]]]))
    .sort((a, b) => a[0] - b[0])
    .map(([, n]) => n);
}

/** A product as boxes. @param {number[][]} product @returns {number[][][]} */
function rectangles(product) {
  return product.reduce(
    (/** @type {number[][][]} */ heads, set) =>
      heads.flatMap((head) => {
        const ends = [];
        for (let i = 0; i < set.length; i += 2) ends.push([...head, [set[i], set[i + 1]]]);
        return ends;
      }),
    [[]],
  );
}

/** @param {string} word */
const quoted = (word) => (/^[\w.:/@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

/** @param {PageDocument} page */
function notes(page) {
  const items = page.designs.flatMap((design) =>
    design.notes.map((note) => h("li", null, `${design.name}${note.layer ? `, ${note.layer}` : ""}: ${note.text}`)),
  );
  return [
    items.length ? [h("h2", null, "Notes"), h("ul", null, items)] : null,
    h(
      "p",
      { class: "hint" },
      `Made by eyeshot ${page.version}; the document’s schema is ${page.schema}. Sizes are unclipped, as on an ` +
        "endless image; pixel ranges are inclusive and count from 0.",
    ),
  ];
}
