package toolkit;

import com.google.gson.Gson;
import com.google.gson.JsonParseException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** What an export says of itself: inputs, outputs, preprocessing, class names, hashes of its files. */
public record Manifest(
    Integer format,
    String name,
    List<TensorSpec> inputs,
    List<TensorSpec> outputs,
    Preset preprocess, // null: the network takes no pictures
    List<String> labels, // null: classes have no names
    Map<String, Entry> files) {

  static final int FORMAT = 1;

  /** One input or output; an axis of any length is null, and so is a shape that is not known. */
  public record TensorSpec(String name, List<Integer> shape, String dtype) {
    @Override
    public String toString() {
      if (shape == null) return name + " (" + dtype + ")";
      String axes =
          shape.stream().map(n -> n == null ? "any" : n.toString()).collect(Collectors.joining(", "));
      return name + " (" + axes + ") " + dtype;
    }
  }

  /** How a picture becomes an input; `resize` is the shorter side before the crop, or null. */
  public record Preset(
      int[] size, Integer resize, String interpolation, float[] mean, float[] std) {
    public int height() {
      return size[0];
    }

    public int width() {
      return size[1];
    }

    boolean isWhole() {
      boolean full = size != null && mean != null && std != null && interpolation != null;
      if (!full || size.length != 2 || mean.length != 3 || std.length != 3) return false;
      return size[0] > 0 && size[1] > 0 && std[0] > 0 && std[1] > 0 && std[2] > 0;
    }
  }

  /** What is written down of a file. */
  public record Entry(String sha256, long size) {}

  /** Reads PREFIX-manifest.json. */
  public static Manifest read(String prefix) {
    String path = prefix + "-manifest.json";
    try {
      Manifest found = new Gson().fromJson(new String(bytes(path), "UTF-8"), Manifest.class);
      if (found == null || found.format == null) throw new Failure(path + ": 'format' is missing");
      if (found.format > FORMAT)
        throw new Failure(path + ": format " + found.format + " is newer than this program");
      if (found.name == null || found.inputs == null || found.outputs == null || found.files == null)
        throw new Failure(path + ": 'name', 'inputs', 'outputs' or 'files' is missing");
      if (found.preprocess != null && !found.preprocess.isWhole())
        throw new Failure(path + ": 'preprocess' needs size, mean, std above 0 and interpolation");
      return found;
    } catch (JsonParseException | IOException error) {
      throw new Failure(path + " cannot be read", error);
    }
  }

  /** Compares the files PREFIX + suffix with what is written down of them. */
  public void check(String prefix) {
    for (Map.Entry<String, Entry> row : files.entrySet()) {
      String path = prefix + row.getKey();
      byte[] data = bytes(path);
      Entry wanted = row.getValue();
      if (data.length != wanted.size() || !sha256(data).equals(wanted.sha256()))
        throw new Failure(
            path + " is not the file that " + prefix
                + "-manifest.json describes (size or sha256 differs): export again");
    }
  }

  /** The name of a class. */
  public String label(int index) {
    return labels != null && index < labels.size() ? labels.get(index) : "class " + index;
  }

  String describeInputs() {
    return inputs.stream().map(TensorSpec::toString).collect(Collectors.joining("; "));
  }

  private static byte[] bytes(String path) {
    try {
      return Files.readAllBytes(Path.of(path));
    } catch (IOException error) {
      throw new Failure(path + " is missing or cannot be read", error);
    }
  }

  private static String sha256(byte[] data) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(data));
    } catch (NoSuchAlgorithmException error) {
      throw new IllegalStateException(error); // every Java has it
    }
  }
}
