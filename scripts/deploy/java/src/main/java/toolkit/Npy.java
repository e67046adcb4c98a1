package toolkit;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Collectors;

/** NumPy's .npy files. */
public final class Npy {
  private Npy() {}

  /** Reads the array of a file. */
  public static Tensor read(Path path) {
    try (NDManager manager = Engine.getEngine("MXNet").newBaseManager();
        InputStream file = Files.newInputStream(path)) {
      return Tensor.of(NDList.decode(manager, file).singletonOrThrow());
    } catch (IOException | IllegalArgumentException error) {
      throw new Failure("cannot read " + path, error);
    }
  }

  /** Writes an array; DJL itself writes only archives of them. */
  public static void write(Path path, Tensor array) throws IOException {
    String axes = Arrays.stream(array.shape()).mapToObj(n -> n + ",").collect(Collectors.joining());
    String header =
        "{'descr': '" + code(array.type()) + "', 'fortran_order': False, 'shape': (" + axes + "), }";
    int length = (header.length() + 11 + 63) / 64 * 64 - 10;
    ByteArrayOutputStream file = new ByteArrayOutputStream();
    file.writeBytes(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0});
    file.writeBytes(new byte[] {(byte) length, (byte) (length >> 8)});
    file.writeBytes(header.getBytes(StandardCharsets.US_ASCII));
    file.writeBytes(" ".repeat(length - header.length() - 1).getBytes(StandardCharsets.US_ASCII));
    file.write('\n');
    byte[] values = new byte[array.values().capacity()];
    array.values().get(0, values);
    file.writeBytes(values);
    Files.write(path, file.toByteArray());
  }

  private static String code(DataType type) {
    return switch (type) {
      case FLOAT32 -> "<f4";
      case FLOAT64 -> "<f8";
      case INT32 -> "<i4";
      case INT64 -> "<i8";
      case INT8 -> "|i1";
      case UINT8 -> "|u1";
      case BOOLEAN -> "|b1";
      default -> throw new Failure(type + " cannot be written here");
    };
  }
}
