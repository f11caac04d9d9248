import type { Project } from '../../entities/project.ts';

/** The keys of the wire (docs/WIRE.md, Keys of the answers); `contributors` is the same in every answer. */
export function projectToWire(project: Project): Project {
  const { id, name, org, creator, role, account, contributors } = project;
  const { featureConstraints, createdAt, updatedAt, isBlocked } = project;
  return {
    id,
    name,
    org,
    creator,
    role,
    account,
    contributors,
    featureConstraints,
    createdAt,
    updatedAt,
    isBlocked,
  };
}
