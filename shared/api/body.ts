import express from 'express';
import { createJsonBody } from '../http/json-body.ts';

/** Filters with thousands of ids, and 200 masks a call that each hold a PNG (docs/WIRE.md, Requests). */
const MAX_JSON_BYTES = 64 * 1024 * 1024;
const MAX_FORM_BYTES = 64 * 1024;

/** Reads JSON bodies, scalars too; the schemas report what is wrong with them. */
export const jsonBody = createJsonBody(MAX_JSON_BYTES);

/** Reads form bodies: `POST /projects` and make-dir. Flat keys only. */
export const formBody = express.urlencoded({ extended: false, limit: MAX_FORM_BYTES });
