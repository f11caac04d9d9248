import express from 'express';

/** Filters with thousands of ids, and 200 masks a call that each hold a PNG (docs/WIRE.md, Requests). */
const MAX_JSON_BYTES = 64 * 1024 * 1024;
const MAX_FORM_BYTES = 64 * 1024;

/** Reads JSON bodies, scalars too: what is wrong with them is told by the schemas. Bodies already read are left. */
export const jsonBody = express.json({ limit: MAX_JSON_BYTES, strict: false });

/** Reads form bodies: `POST /projects` and make-dir. Flat keys only. */
export const formBody = express.urlencoded({ extended: false, limit: MAX_FORM_BYTES });
