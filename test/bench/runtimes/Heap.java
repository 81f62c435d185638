// SPDX-License-Identifier: MIT
// Heap.java MIB MARKERS: a Java heap of that size, with markers that a core must contain.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

public class Heap {
	static final AtomicLong longest = new AtomicLong();

	static void stamp() {
		for (long last = System.nanoTime(), now;; last = now) {
			LockSupport.parkNanos(500000);
			now = System.nanoTime();
			if (now - last > longest.get())
				longest.set(now - last);
		}
	}

	public static void main(String[] arguments) throws Exception {
		Random random = new Random();
		String nonce = String.format("%016x", random.nextLong());
		List<String> markers = new ArrayList<>();
		List<byte[]> data = new ArrayList<>();

		for (int i = 0; i < Integer.parseInt(arguments[1]); i++)
			markers.add(String.format("cryobench-%s-%06d", nonce, i));
		for (int i = 0; i < Integer.parseInt(arguments[0]) * 16; i++) {
			byte[] piece = new byte[64 * 1024];
			random.nextBytes(piece);
			data.add(piece);
		}
		Thread thread = new Thread(Heap::stamp);
		thread.setDaemon(true);
		thread.start();
		System.out.println("nonce=" + nonce + "\nREADY");
		BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
		for (String line; (line = input.readLine()) != null;) {
			if (line.equals("reset"))
				longest.set(0);
			System.out.println("gap=" + longest.get());
		}
		System.exit(markers.size() + data.size() == 0 ? 1 : 0);
	}
}
