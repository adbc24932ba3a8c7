// The gutter of the ledger: one lane per tensor that is still to be read, like the branches in a version history.
// Lanes are given out in the order in which lines run; no graph is laid out.

/**
 * @typedef {object} Row
 * @property {number} lane of the line itself
 * @property {number[]} through lanes that pass it by
 * @property {number[]} from lanes that it reads
 * @property {number[]} ends lanes among them that end here
 * @property {boolean} isRead whether a later line reads it
 */

/**
 * @param {number[][]} inputs for each line the lines that it reads, all earlier ones; −1 is the image
 * @returns {{rows: Row[], width: number}}
 */
export function lanes(inputs) {
  const lastRead = new Map();
  inputs.forEach((sources, row) => sources.forEach((source) => lastRead.set(source, row)));
  /** @type {Array<number | null>} line by lane */
  const held = [-1];
  let width = 1;
  const rows = inputs.map((sources, row) => {
    const from = sources.map((source) => held.indexOf(source)).filter((lane) => lane >= 0);
    const ends = from.filter((lane) => lastRead.get(held[lane]) === row);
    const through = held.flatMap((line, lane) => (line === null || ends.includes(lane) ? [] : [lane]));
    for (const lane of ends) held[lane] = null;
    if (row === 0 && !sources.length) held[0] = null;
    const free = ends.length ? Math.min(...ends) : held.indexOf(null);
    const lane = free < 0 ? held.length : free;
    const isRead = lastRead.has(row);
    held[lane] = isRead ? row : null;
    width = Math.max(width, held.length, lane + 1);
    return { lane, through, from, ends, isRead };
  });
  return { rows, width };
}

/**
 * For each line the lines that its layers read.
 * @param {Array<{layers: number[]}>} lines @param {import("./network.js").Design} design @returns {number[][]}
 */
export function lineInputs(lines, design) {
  const home = new Map([[design.input, -1]]);
  lines.forEach((line, row) => line.layers.forEach((layer) => home.set(layer, row)));
  return lines.map((line, row) => {
    const rows = new Set();
    for (const layer of line.layers) {
      for (const { source } of design.nodes[layer].reads) {
        const at = home.get(source);
        if (at !== undefined && at < row) rows.add(at);
      }
    }
    return [...rows].sort((a, b) => a - b);
  });
}
