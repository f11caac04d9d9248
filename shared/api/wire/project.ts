import type { Project } from '../../entities/project.ts';

/** The keys of contract section 11; `contributors` is the same in every answer. */
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
