/** `05:07` or `1:02:03`; an hour more than a day stays an hour. */
export function duration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  const two = (value: number) => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${two(minutes)}:${two(seconds % 60)}`;
}

/** Sizes as people read them. */
export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB'];
  const unit = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, value)) / 3)));
  return `${unit === 0 ? value : (value / 1000 ** unit).toFixed(1)} ${units[unit]}`;
}

export const count = (value: number) => value.toLocaleString('en-US');
