/** Meaning of a column. `cx` and `cy` are the centre of a box, `x` and `y` its upper left corner. */
export type Role =
  | 'filename'
  | 'type'
  | 'label'
  | 'left'
  | 'top'
  | 'right'
  | 'bottom'
  | 'x'
  | 'y'
  | 'cx'
  | 'cy'
  | 'boxWidth'
  | 'boxHeight'
  | 'imageWidth'
  | 'imageHeight'
  | 'partition'
  | 'angle'
  | 'coordinates'
  | 'attributes';

/** The columns that are written, in their order. */
export const OWN_COLUMNS = [
  'filename',
  'type',
  'label',
  'left',
  'top',
  'right',
  'bottom',
  'angle',
  'coordinates',
  'attributes',
] as const;

/** Names that tools give to columns, in lower case without separators. */
const NAMES: Readonly<Record<string, Role>> = {
  ...named(
    'filename',
    'filename file path filepath image imagepath imagename imagefilename img imgpath imgname',
  ),
  ...named('type', 'type'),
  ...named('label', 'label labelname class classname category categoryname'),
  ...named('left', 'left xmin minx x1 x0 bboxxmin boxxmin'),
  ...named('top', 'top ymin miny y1 y0 bboxymin boxymin'),
  ...named('right', 'right xmax maxx x2 bboxxmax boxxmax'),
  ...named('bottom', 'bottom ymax maxy y2 bboxymax boxymax'),
  ...named('x', 'x bboxx boxx'),
  ...named('y', 'y bboxy boxy'),
  ...named('cx', 'cx xcenter centerx xcentre xc'),
  ...named('cy', 'cy ycenter centery ycentre yc'),
  ...named('boxWidth', 'w bboxwidth boxwidth bboxw'),
  ...named('boxHeight', 'h bboxheight boxheight bboxh'),
  ...named('imageWidth', 'imagewidth imgwidth imgw'),
  ...named('imageHeight', 'imageheight imgheight imgh'),
  ...named('partition', 'partition split subset'),
  ...named('angle', 'angle'),
  ...named('coordinates', 'coordinates'),
  ...named('attributes', 'attributes'),
};
const DELIMITERS = [',', ';', '\t', '|'];

/** Meaning of the columns of a table, from left to right; the name for an unknown column. */
export interface Columns {
  readonly roles: readonly (Role | { unknown: string })[];
  /** True for the very header that exports have: cells are then taken as they are. */
  readonly isOwn: boolean;
}

/** Thrown for a first row that is not a header. */
export class HeaderProblem extends Error {
  override readonly name = 'HeaderProblem';
}

/** Reads the first row of a table. @throws HeaderProblem */
export function readColumns(cells: readonly string[]): Columns {
  const names = cells.map((cell) => cell.trim());
  const isOwn = names.join() === OWN_COLUMNS.join();
  const found = names.map((name) => NAMES[simplified(name)]);
  const corners = found.includes('left') || found.includes('right');
  const roles = names.map((name, at): Role | { unknown: string } => {
    const role = found[at] ?? sizeRole(simplified(name), corners);
    return role ?? { unknown: name };
  });
  for (const role of ['filename', 'label'] as const)
    if (!roles.includes(role)) throw new HeaderProblem(missingText(role, names));
  const twice = roles.find((role, at) => typeof role === 'string' && roles.indexOf(role) !== at);
  if (twice !== undefined) {
    const both = names.filter((_, at) => roles[at] === twice).map((name) => JSON.stringify(name));
    throw new HeaderProblem(`its first row has two columns for the same: ${both.join(' and ')}`);
  }
  return { roles, isOwn };
}

/** The character between the cells of a table: the one that the first line has most often outside of quotes. */
export function findDelimiter(firstLine: string): string {
  const bare = firstLine.replace(/"[^"]*"/g, '');
  const counts = DELIMITERS.map((each) => bare.split(each).length);
  return DELIMITERS[counts.indexOf(Math.max(...counts))]!;
}

/** Beside corners, `width` is that of the image; beside a point, that of the box. */
function sizeRole(name: string, hasCorners: boolean): Role | undefined {
  if (name === 'width') return hasCorners ? 'imageWidth' : 'boxWidth';
  if (name === 'height') return hasCorners ? 'imageHeight' : 'boxHeight';
  return undefined;
}

function missingText(role: 'filename' | 'label', names: readonly string[]): string {
  const accepted = Object.keys(NAMES).filter((name) => NAMES[name] === role);
  const isData =
    names.some((name) => /\.[a-z]{3,4}$/i.test(name)) ||
    names.every((name) => name === '' || !Number.isNaN(Number(name)));
  const advice = isData
    ? 'It looks like data: add a header, such as filename,left,top,right,bottom,label. '
    : '';
  return `its first row has no column for the ${role}. ${advice}Names for it are ${accepted.join(', ')}; the row has ${names
    .slice(0, 12)
    .map((name) => JSON.stringify(name.slice(0, 40)))
    .join(', ')}`;
}

function simplified(name: string): string {
  return name.toLowerCase().replace(/[\s_.-]/g, '');
}

function named(role: Role, names: string): Record<string, Role> {
  return Object.fromEntries(names.split(' ').map((name) => [name, role]));
}
