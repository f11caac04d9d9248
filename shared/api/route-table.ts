import type { Router } from 'express';
import { nearest } from '../nearest.ts';
import { MethodNotAllowed, RouteNotFound } from './errors.ts';

/** One way to ask: a method and a path with `:name` where a part is free. */
export interface ApiRoute {
  method: string;
  path: string;
}

/** The routes of routers, as they were declared. */
export function routesOf(routers: readonly Router[]): ApiRoute[] {
  return routers.flatMap((router) =>
    router.stack.flatMap(({ route }) =>
      route === undefined
        ? []
        : [...new Set(route.stack.map(({ method }) => method.toUpperCase()))].map((method) => ({
            method,
            path: route.path,
          })),
    ),
  );
}

/** What to tell who asked for `path` in vain: the methods that it takes, or the nearest route. */
export function whyNotRouted(
  routes: readonly ApiRoute[],
  method: string,
  path: string,
): MethodNotAllowed | RouteNotFound {
  const allowed = routes.filter((route) => isAt(route.path, path)).map((route) => route.method);
  if (allowed.length > 0) return new MethodNotAllowed(method, path, [...new Set(allowed)]);
  const shown = routes.map((route) => `${route.method} ${route.path}`);
  return new RouteNotFound(method, path, nearest(`${method} ${path.slice(0, 200)}`, shown));
}

function isAt(pattern: string, path: string): boolean {
  const wanted = pattern.split('/');
  const found = path.replace(/\/$/, '').split('/');
  return (
    wanted.length === found.length &&
    wanted.every((part, index) => part.startsWith(':') || part === found[index])
  );
}
