/**
 * Characters that a name may not hold because nobody sees them: controls of direction (a file `exe.gnp` shown as `png.exe`),
 * zero-width spaces, line and paragraph separators, tags, and unassigned or private ones. Joiners stay: scripts and emoji need
 * them. https://www.unicode.org/reports/tr36/
 */
const HIDDEN =
  /[\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]|[\u{e0000}-\u{e0fff}]/u;

/** True when a name holds a character that is invisible or changes the direction of text. */
export function hasHiddenCharacter(name: string): boolean {
  return HIDDEN.test(name);
}

/** The form in which names are stored and compared: composed (NFC). macOS writes file names decomposed. */
export function toComparableName(name: string): string {
  return name.normalize('NFC');
}
