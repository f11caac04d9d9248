import type { RequestListener } from 'node:http';

/**
 * Has an answer that is cut on its way end as a 500. Under serverless-http an answer is whole when it ends, and one that
 * is destroyed never does: the invocation would hang until the function's time limit.
 */
export function endCutAnswers(app: RequestListener): RequestListener {
  return (request, response) => {
    response.destroy = () => {
      if (!response.writableEnded) {
        response.statusCode = 500;
        response.end();
      }
      return response;
    };
    app(request, response);
  };
}
