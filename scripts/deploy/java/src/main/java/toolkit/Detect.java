package toolkit;

import java.util.List;

/** Prints the boxes that a detector finds in a picture, best first. */
public final class Detect {
  private Detect() {}

  public static void main(String[] arguments) {
    Program.run(arguments, 2, "Detect PREFIX PICTURE [THRESHOLD]", words -> {
      double threshold = Program.number(words, 2, 0.5);
      try (Network network = new Network(words.get(0))) {
        Tensor picture = Preparation.prepare(network.manifest(), Picture.read(words.get(1)));
        for (Box box : Box.read(network.run(List.of(picture))))
          if (box.label() >= 0 && box.score() > threshold) box.print(network.manifest());
      }
    });
  }
}
