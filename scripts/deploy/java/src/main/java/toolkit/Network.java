package toolkit;

import ai.djl.Model;
import ai.djl.engine.EngineException;
import ai.djl.inference.Predictor;
import ai.djl.mxnet.engine.MxSymbolBlock;
import ai.djl.mxnet.engine.MxNDManager;
import ai.djl.mxnet.engine.Symbol;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.translate.NoopTranslator;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.stream.Collectors;
import toolkit.Manifest.TensorSpec;

/**
 * An exported network that any number of threads may call.
 *
 * <p>As many calls as the pool is large run at once, the others wait; each has parameters of its
 * own, since MXNet rearranges them in place.
 */
public final class Network implements AutoCloseable {
  private final String prefix;
  private final Manifest manifest;
  private final List<Executor> executors = new ArrayList<>();
  private final BlockingQueue<Executor> free = new LinkedBlockingQueue<>();

  /** Reads PREFIX-manifest.json, PREFIX-symbol.json and PREFIX-0000.params. */
  public Network(String prefix, int size) {
    this.prefix = prefix;
    manifest = Manifest.read(prefix);
    manifest.check(prefix);
    for (int i = 0; i < Math.max(size, 1); i++) executors.add(new Executor());
    free.addAll(executors);
  }

  public Network(String prefix) {
    this(prefix, 1);
  }

  public Manifest manifest() {
    return manifest;
  }

  /** Runs the network on one array an input, in the manifest's order. */
  public List<Tensor> run(List<Tensor> inputs) {
    check(inputs);
    Executor executor = take();
    try {
      return executor.run(inputs);
    } catch (Failure error) {
      throw error;
    } catch (Exception error) { // DJL's and MXNet's are of every kind
      String shapes =
          inputs.stream().map(t -> Arrays.toString(t.shape())).collect(Collectors.joining(", "));
      throw new Failure(
          manifest.name() + " failed on " + shapes + "; it was exported for "
              + manifest.describeInputs(),
          error);
    } finally {
      free.add(executor);
    }
  }

  private Executor take() {
    try {
      return free.take();
    } catch (InterruptedException error) {
      Thread.currentThread().interrupt();
      throw new Failure("interrupted while waiting for " + manifest.name(), error);
    }
  }

  private void check(List<Tensor> inputs) {
    List<TensorSpec> specs = manifest.inputs();
    if (inputs.size() != specs.size())
      throw new Failure(
          manifest.name() + " has " + specs.size() + " inputs (" + manifest.describeInputs()
              + "), got " + inputs.size() + " arrays");
    for (int i = 0; i < specs.size(); i++) {
      long[] shape = inputs.get(i).shape();
      List<Integer> wanted = specs.get(i).shape();
      if (wanted != null && wanted.size() != shape.length)
        throw new Failure(
            "input " + specs.get(i) + " has " + wanted.size() + " axes, got the shape "
                + Arrays.toString(shape));
      if (inputs.get(i).count() == 0)
        throw new Failure("input " + specs.get(i).name() + " is empty");
    }
  }

  @Override
  public void close() {
    executors.forEach(Executor::close);
  }

  /** One loaded graph; serves one thread at a time. */
  private final class Executor {
    private final Model model;
    private final Predictor<NDList, NDList> predictor;

    Executor() {
      model = Model.newInstance(manifest.name(), "MXNet");
      try {
        MxNDManager manager = (MxNDManager) model.getNDManager();
        Symbol symbol = Symbol.load(manager, prefix + "-symbol.json");
        Symbol fused = Fusing.fuse(manager, symbol);
        MxSymbolBlock block = new MxSymbolBlock(manager, fused);
        model.setBlock(block);
        Path path = Path.of(prefix).toAbsolutePath();
        model.load(path.getParent(), path.getFileName().toString(), Map.of("epoch", "0"));
        checkNames(block);
        predictor = model.newPredictor(new NoopTranslator());
      } catch (Failure error) {
        model.close();
        throw error;
      } catch (Exception error) {
        model.close();
        throw new Failure(prefix + " cannot be loaded", error);
      }
    }

    /** DJL feeds what is missing with zeros. */
    private void checkNames(MxSymbolBlock block) {
      List<String> inputs = manifest.inputs().stream().map(TensorSpec::name).toList();
      for (var parameter : block.getAllParameters())
        if (!parameter.isInitialized() && !inputs.contains(parameter.getName()))
          throw new Failure(
              prefix + "-0000.params has no array for '" + parameter.getName()
                  + "', which the graph needs");
    }

    List<Tensor> run(List<Tensor> inputs) throws Exception {
      try (NDManager manager = model.getNDManager().newSubManager()) {
        NDList given = new NDList();
        for (int i = 0; i < inputs.size(); i++) {
          TensorSpec spec = manifest.inputs().get(i);
          DataType type = DataType.valueOf(spec.dtype().toUpperCase(Locale.ROOT));
          NDArray array = inputs.get(i).to(manager, type);
          array.setName(spec.name());
          given.add(array);
        }
        NDList outputs = predictor.predict(given);
        outputs.attach(manager);
        List<Tensor> result = new ArrayList<>();
        for (NDArray output : outputs) result.add(Tensor.of(output));
        return result;
      }
    }

    void close() {
      predictor.close();
      model.close();
    }
  }
}
