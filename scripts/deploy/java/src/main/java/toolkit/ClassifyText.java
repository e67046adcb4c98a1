package toolkit;

import java.util.List;

/** Names the class of a text, given as token ids: "2 1045 2572 3", and segments where there are two. */
public final class ClassifyText {
  private ClassifyText() {}

  public static void main(String[] arguments) {
    Program.run(arguments, 2, "ClassifyText PREFIX TOKENS [SEGMENTS] [TOP]", words -> {
      int top = (int) Program.number(words, 3, 5);
      try (Network network = new Network(words.get(0))) {
        float[] segments = TextInputs.ids(words.size() > 2 ? words.get(2) : "");
        List<Tensor> inputs =
            TextInputs.of(network.manifest(), TextInputs.ids(words.get(1)), segments);
        Program.printClasses(network.manifest(), network.run(inputs).get(0), top);
      }
    });
  }
}
