// SPDX-License-Identifier: MIT
// heap.js MIB MARKERS: a V8 heap of that size, with markers that a core must contain.
'use strict';
const { Worker, isMainThread, workerData } = require('worker_threads');

if (isMainThread) {
	const longest = new BigInt64Array(new SharedArrayBuffer(16));
	const nonce = require('crypto').randomBytes(8).toString('hex');
	const markers = [], data = [];

	for (let i = 0; i < Number(process.argv[3]); i++)
		markers.push(Buffer.from(`cryobench-${nonce}-${String(i).padStart(6, '0')}`).toString('latin1'));
	for (let i = 0; i < Number(process.argv[2]) << 13; i++)
		data.push({ name: `item ${i}`, value: i * 1.5, list: [i, i + 1] });
	new Worker(__filename, { workerData: longest }).unref();
	require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
		if (line === 'reset')
			Atomics.store(longest, 0, 0n);
		console.log(`gap=${Atomics.load(longest, 0)}`);
	}).on('close', () => process.exit(markers.length + data.length === 0 ? 1 : 0));
	console.log(`nonce=${nonce}\nREADY`);
} else {
	const longest = workerData, nap = new Int32Array(new SharedArrayBuffer(4));

	for (let last = process.hrtime.bigint();;) {
		Atomics.wait(nap, 0, 0, 0.5);
		const now = process.hrtime.bigint();
		if (now - last > Atomics.load(longest, 0))
			Atomics.store(longest, 0, now - last);
		last = now;
	}
}
