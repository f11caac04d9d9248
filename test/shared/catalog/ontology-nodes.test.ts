import { describe, expect, it } from 'vitest';
import { completeRoots, withLabel } from '../../../shared/catalog/ontology-nodes.ts';
import { labelsOf, type OntologyNode } from '../../../shared/entities/ontology.ts';

const added = (roots: OntologyNode[], tag: string): OntologyNode[] => withLabel(roots, { tag }, true)!;

describe('labels of an ontology', () => {
  it('dots nest, and missing parents are made', () => {
    const roots = added([], 'a.b.c');

    expect(labelsOf({ roots })).toEqual(['a', 'a.b', 'a.b.c']);
    expect(roots[0]!.children[0]!.children[0]!.value.tag).toBe('c');
  });

  it('every label has a colour, the same one in every ontology', () => {
    const [first] = added([], 'car');
    const [, second] = added(added([], 'dog'), 'car');

    expect(first!.value.color).toMatch(/^#[0-9a-f]{6}$/);
    expect(second!.value.color).toBe(first!.value.color);
  });

  it('adding a label twice changes nothing', () => {
    const once = added([], 'a.b');

    expect(added(once, 'a.b')).toEqual(once);
  });

  it('what is given changes, the rest of a label stays', () => {
    const before = withLabel([], { tag: 'car', color: '#112233', displayLabel: 'Car' }, true)!;

    const [car] = withLabel(before, { tag: 'car', color: '#445566', displayData: null }, false)!;

    expect(car!.value).toEqual({
      tag: 'car',
      displayLabel: 'Car',
      color: '#445566',
      attributes: [],
      displayData: {},
    });
  });

  it('without upsert, a label that is not there is not made', () => {
    expect(withLabel(added([], 'a'), { tag: 'a.b' }, false)).toBeUndefined();
    expect(withLabel([], { tag: 'a' }, false)).toBeUndefined();
  });

  it('keeps children when their parent is changed', () => {
    const roots = withLabel(added([], 'a.b'), { tag: 'a', color: '#000000' }, true)!;

    expect(labelsOf({ roots })).toEqual(['a', 'a.b']);
  });

  it.each(['a..b', '.a', 'a.', ' '])('refuses the label %j', (tag) => {
    expect(() => withLabel([], { tag }, true)).toThrow(expect.objectContaining({ code: 'InvalidInput' }));
  });

  it('refuses a colour that is none, and reads a short one', () => {
    expect(() => withLabel([], { tag: 'a', color: 'red' }, true)).toThrow(
      expect.objectContaining({ code: 'InvalidInput' }),
    );
    expect(withLabel([], { tag: 'a', color: '#fa0' }, true)![0]!.value.color).toBe('#ffaa00');
  });

  it('completes roots that a client sends with parts missing', () => {
    const [root] = completeRoots([{ value: { tag: 'car', color: null }, children: [{ tag: 'wheel' }] }]);

    expect(root!.value).toMatchObject({ displayLabel: 'car', attributes: [], displayData: {} });
    expect(root!.children[0]!.value.tag).toBe('wheel');
  });

  it('refuses roots nested without end, by code and not by a full stack', () => {
    let node = { value: { tag: 'leaf' }, children: [] as unknown[] };
    for (let depth = 0; depth < 100; depth += 1) node = { value: { tag: 'x' }, children: [node] };

    expect(() => completeRoots([node as never])).toThrow(expect.objectContaining({ code: 'InvalidInput' }));
  });
});
