// The camera: what it sees, and single pictures of it.

/** Opens the camera; the one that looks away from the person, where there are two. */
export async function openCamera(): Promise<MediaStream> {
  if (!navigator.mediaDevices) throw new Error('the browser gives a camera only to this machine or over TLS');
  return navigator.mediaDevices.getUserMedia({ video: { facingMode: { ideal: 'environment' } } });
}

export type Format = 'png' | 'jpeg';

/** What the video shows now, no side longer than `longest` pixels. */
export async function still(video: HTMLVideoElement, format: Format, longest: number): Promise<Blob> {
  const [width, height] = [video.videoWidth, video.videoHeight];
  if (!width || !height) throw new Error('the camera shows nothing yet');
  const scale = Math.min(1, longest / Math.max(width, height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext('2d');
  if (!context) throw new Error('the browser draws no pictures');
  context.drawImage(video, 0, 0, canvas.width, canvas.height);
  return new Promise((made, failed) => canvas.toBlob((blob) => (blob ? made(blob) : failed(new Error('the browser wrote no picture'))), `image/${format}`, 0.95));
}
