import { walkFolder } from '../../shared/content/walk-folder.ts';
import { OnnxFileUnclear } from './errors.ts';

/**
 * The model's path below a snapshot's folder: the file named, or the only one that ends in `.onnx`.
 * @throws OnnxFileUnclear
 */
export async function findModelFile(directory: string, wanted: string | null): Promise<string> {
  const found = await modelFiles(directory);
  if (wanted !== null) {
    if (found.includes(wanted)) return wanted;
    throw new OnnxFileUnclear(`There is no model ${JSON.stringify(wanted)}`, found);
  }
  if (found.length !== 1)
    throw new OnnxFileUnclear(found.length === 0 ? 'There is no model' : 'There are several models', found);
  return found[0]!;
}

async function modelFiles(directory: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { path } of walkFolder(directory)) if (path.endsWith('.onnx')) found.push(path);
  return found.sort();
}
