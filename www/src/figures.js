// Numbers as people read them: lengths, sizes, ages, rates. No DOM, no clock: the time is an argument.

/**
 * A length as a clock shows it, "0:08" or "1:02:03".
 * @param {number} ms
 * @returns {string}
 */
export function clock(ms) {
  const seconds = Math.max(0, Math.floor((Number(ms) || 0) / 1000));
  const tail = `${Math.floor(seconds / 60) % 60}:${two(seconds % 60)}`;
  return seconds < 3600 ? tail : `${Math.floor(seconds / 3600)}:${tail.padStart(5, "0")}`;
}

/**
 * A length as it is read aloud, "1 minute 2 seconds".
 * @param {number} ms
 * @returns {string}
 */
export function spoken(ms) {
  const seconds = Math.max(0, Math.round((Number(ms) || 0) / 1000));
  const minutes = Math.floor(seconds / 60);
  const rest = count(seconds % 60, "second");
  return minutes === 0 ? rest : `${count(minutes, "minute")} ${rest}`;
}

/**
 * A size, "64 kB".
 * @param {number} bytes
 * @returns {string}
 */
export function size(bytes) {
  const value = Math.max(0, Number(bytes) || 0);
  if (value < 1000) return `${value} bytes`;
  if (value < 999_500) return `${Math.round(value / 1000)} kB`;
  return `${(value / 1_000_000).toFixed(1)} MB`;
}

/**
 * A rate, "8.0 kbit/s".
 * @param {number} bytesPerSecond
 * @returns {string}
 */
export function rate(bytesPerSecond) {
  const kilobits = (Math.max(0, Number(bytesPerSecond) || 0) * 8) / 1000;
  return `${kilobits < 10 ? kilobits.toFixed(1) : Math.round(kilobits)} kbit/s`;
}

/**
 * How long ago something was, "just now", "5 min ago", "yesterday".
 * @param {number} then Unix ms
 * @param {number} now Unix ms
 * @returns {string}
 */
export function age(then, now) {
  const minutes = Math.floor((now - then) / 60_000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ago`;
  const days = Math.floor(minutes / (24 * 60));
  return days === 1 ? "yesterday" : `${days} days ago`;
}

/**
 * How long until something happens, "now", "in 12 s", "in 3 min", "in 5 h", "in 3 days".
 * @param {number} then Unix ms
 * @param {number} now Unix ms
 * @returns {string}
 */
export function until(then, now) {
  const seconds = Math.ceil((then - now) / 1000);
  if (seconds <= 0) return "now";
  if (seconds < 100) return `in ${seconds} s`;
  if (seconds < 100 * 60) return `in ${Math.ceil(seconds / 60)} min`;
  const hours = Math.floor(seconds / 3600);
  return hours < 48 ? `in ${hours} h` : `in ${Math.floor(hours / 24)} days`;
}

/**
 * When something was, short: the time for today, else the day and the time.
 * @param {number} then Unix ms
 * @param {number} now Unix ms
 * @returns {string}
 */
export function moment(then, now) {
  const day = new Date(then);
  const time = `${two(day.getHours())}:${two(day.getMinutes())}`;
  if (day.toDateString() === new Date(now).toDateString()) return `Today ${time}`;
  if (day.toDateString() === new Date(now - 86_400_000).toDateString()) return `Yesterday ${time}`;
  return `${day.toLocaleDateString("en-GB", { day: "numeric", month: "short" })} ${time}`;
}

/**
 * A count with its noun, "1 message", "2 messages".
 * @param {number} number
 * @param {string} noun
 * @returns {string}
 */
export function count(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** @param {number} number */
function two(number) {
  return String(number).padStart(2, "0");
}
