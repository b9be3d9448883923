// The precision that a caller may ask for, as in `models/calibration.py`.

export const LEAST = 0.8;
export const MOST = 0.995;
export const STEP = 0.005;

/** A precision as people write it: 95 %, but 99.5 %. */
export function saidPrecision(app, precision) {
  return app.percent(precision, Math.round(1000 * precision) % 10 ? 1 : 0);
}
