package toolkit;

import java.util.List;

/** Names what is in a picture. */
public final class Classify {
  private Classify() {}

  public static void main(String[] arguments) {
    Program.run(arguments, 2, "Classify PREFIX PICTURE [TOP]", words -> {
      int top = (int) Program.number(words, 2, 5);
      try (Network network = new Network(words.get(0))) {
        Tensor picture = Preparation.prepare(network.manifest(), Picture.read(words.get(1)));
        Program.printClasses(network.manifest(), network.run(List.of(picture)).get(0), top);
      }
    });
  }
}
