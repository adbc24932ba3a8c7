// Tiles along an axis, and their work: the arithmetic of eyeshot/tile/grid.py and of Probe.work.

/** @typedef {import("./document.js").LaneEntry} Lane */
/** @typedef {import("./document.js").TilesEntry} Tiles */
/** @typedef {{start: number, size: number, first: number, end: number}} Tile */

/** @param {number} position @param {number} lattice */
const floor = (position, lattice) => Math.floor(position / lattice) * lattice;

/** The halo before, on the lattice. @param {Lane} lane */
export const ahead = (lane) => Math.ceil(lane.before / lane.lattice) * lane.lattice;

/** The smallest tile of at least a size that the lattice allows. @param {Lane} lane @param {number} size */
export function fitting(lane, size) {
  const more = (((lane.residue - size) % lane.lattice) + lane.lattice) % lane.lattice;
  return Math.min(size + more, lane.n);
}

/** The smallest tile: one lattice step with its halo. @param {Lane} lane */
export const smallest = (lane) => fitting(lane, ahead(lane) + lane.lattice + lane.after);

/** The axis with a halo of at most so many pixels. @param {Lane} lane @param {number} halo @returns {Lane} */
export const ofHalo = (lane, halo) => ({
  ...lane,
  before: Math.min(halo, lane.before),
  after: Math.min(halo, lane.after),
});

/** All tiles along an axis, in order. @param {Lane} lane @param {number} tile @returns {Tile[]} */
export function tilesAlong(lane, tile) {
  if (tile >= lane.n) return [{ start: 0, size: lane.n, first: 0, end: lane.n }];
  /** @type {Tile[]} */
  const row = [];
  for (let first = 0; ;) {
    let start = Math.max(0, first - ahead(lane));
    if (start + tile >= lane.n) {
      if (lane.n - start < lane.least) {
        start = Math.max(0, Math.ceil((lane.n - lane.least - lane.lattice + 1) / lane.lattice) * lane.lattice);
      }
      row.push({ start, size: lane.n - start, first, end: lane.n });
      return row;
    }
    const end = floor(start + tile - lane.after, lane.lattice);
    row.push({ start, size: tile, first, end });
    first = end;
  }
}

/** MACs of all tiles over the whole image's. @param {Tiles} entry @param {Lane[]} lanes @param {Tile[][]} rows */
export function workOf(entry, lanes, rows) {
  let total = 0;
  let whole = 0;
  for (const [macs, grows] of entry.work) {
    whole += macs;
    total += rows.reduce((product, row, axis) => product * sum(grows[axis], row, lanes[axis].n), macs);
  }
  if (whole) return total / whole;
  return rows.reduce((product, row, axis) => product * (row.reduce((n, t) => n + t.size, 0) / lanes[axis].n), 1);
}

/** @param {number[]} grow @param {Tile[]} row @param {number} n */
function sum([c0, c1, e0, e1], row, n) {
  const middle = row[0].size >= n ? 1 : c0 + c1 * row[0].size;
  return (row.length - 1) * middle + e0 + e1 * row[row.length - 1].size;
}
