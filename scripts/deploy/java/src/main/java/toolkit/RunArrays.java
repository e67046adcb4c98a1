package toolkit;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Runs any exported network on .npy files, one an input; its outputs go to OUT-0.npy, OUT-1.npy, ...
 * An input of another kind is a picture, which is prepared as the manifest says.
 *
 * <p>--threads and --requests share the network among threads and compare every answer with the
 * first; --latency prints the milliseconds of each request.
 */
public final class RunArrays {
  private final List<String> paths = new ArrayList<>(); // PREFIX, OUT, inputs
  private int threads = 1;
  private int pool = 1;
  private int requests = 1;
  private boolean latency;

  private RunArrays(List<String> words) {
    for (int i = 0; i < words.size(); i++) {
      switch (words.get(i)) {
        case "--threads" -> threads = (int) Program.number(words, ++i, 1);
        case "--pool" -> pool = (int) Program.number(words, ++i, 1);
        case "--requests" -> requests = (int) Program.number(words, ++i, 1);
        case "--latency" -> latency = true;
        default -> paths.add(words.get(i));
      }
    }
    if (paths.size() < 3) throw new Failure("give PREFIX, OUT and the inputs");
  }

  public static void main(String[] arguments) {
    String usage =
        "RunArrays PREFIX OUT INPUT... [--pool N] [--threads N] [--requests N] [--latency]";
    Program.run(arguments, 3, usage, words -> new RunArrays(words).run());
  }

  private void run() throws IOException, InterruptedException {
    try (Network network = new Network(paths.get(0), pool)) {
      List<Tensor> inputs = new ArrayList<>();
      for (String path : paths.subList(2, paths.size())) inputs.add(read(network.manifest(), path));
      List<Tensor> outputs = network.run(inputs);
      for (int i = 0; i < outputs.size(); i++)
        Npy.write(Path.of(paths.get(1) + "-" + i + ".npy"), outputs.get(i));
      if (latency) time(network, inputs);
      else share(network, inputs, outputs);
    }
  }

  private static Tensor read(Manifest manifest, String path) {
    if (path.endsWith(".npy")) return Npy.read(Path.of(path));
    return Preparation.prepare(manifest, Picture.read(path));
  }

  /** All requests, spread over the threads; any answer other than `wanted` is an error. */
  private void share(Network network, List<Tensor> inputs, List<Tensor> wanted)
      throws InterruptedException {
    AtomicInteger next = new AtomicInteger();
    AtomicInteger right = new AtomicInteger();
    List<Thread> running = new ArrayList<>();
    for (int t = 0; t < threads; t++)
      running.add(new Thread(() -> {
        while (next.getAndIncrement() < requests)
          if (difference(network.run(inputs), wanted) <= 1e-5) right.incrementAndGet();
      }));
    running.forEach(Thread::start);
    for (Thread thread : running) thread.join();
    if (right.get() != requests)
      throw new Failure(requests - right.get() + " of " + requests + " answers are wrong");
  }

  private static double difference(List<Tensor> left, List<Tensor> right) {
    double most = 0;
    for (int i = 0; i < left.size(); i++)
      for (int k = 0; k < left.get(i).count(); k++)
        most = Math.max(most, Math.abs(left.get(i).get(k) - right.get(i).get(k)));
    return most;
  }

  private void time(Network network, List<Tensor> inputs) {
    for (int i = 0; i < requests; i++) {
      long start = System.nanoTime();
      network.run(inputs);
      Program.print("%.4f", (System.nanoTime() - start) / 1e6);
    }
  }
}
