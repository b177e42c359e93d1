package jclip.checkpoint;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.TreeMap;

/** Several safetensors files that an index, {@code *.safetensors.index.json}, joins. */
final class ShardedSafetensors extends TensorFile {
    private final Path index;
    private final List<Safetensors> shards = new ArrayList<>();
    private final SequencedMap<String, StoredTensor> tensors = new LinkedHashMap<>();

    private ShardedSafetensors(Path index) {
        super(index);
        this.index = index;
    }

    static ShardedSafetensors open(Path index) {
        ShardedSafetensors opened = new ShardedSafetensors(index);
        try {
            opened.parse();
            return opened;
        } catch (RuntimeException | Error e) {
            opened.close();
            throw e;
        }
    }

    private void parse() {
        Config map = Config.read(index).object("weight_map");
        Map<String, List<String>> namesByShard = new TreeMap<>();
        for (String name : map.keys()) {
            namesByShard
                    .computeIfAbsent(shardName(map, name), shard -> new ArrayList<>())
                    .add(name);
        }
        namesByShard.forEach((shard, names) -> {
            Safetensors file = Safetensors.open(index.resolveSibling(shard));
            shards.add(file);
            for (String name : names) {
                StoredTensor tensor = file.stored().get(name);
                if (tensor == null) {
                    throw new CheckpointException(
                            CheckpointException.Reason.MISSING_TENSOR,
                            index + ": says that tensor '" + name + "' is in " + shard + ", which does not hold it");
                }
                tensors.put(name, tensor);
            }
            for (String name : file.names()) {
                if (!map.has(name) || !map.string(name).equals(shard)) {
                    throw new CheckpointException(
                            CheckpointException.Reason.UNEXPECTED_TENSOR,
                            file.source() + ": holds tensor '" + name + "', which " + index.getFileName()
                                    + " does not place there");
                }
            }
        });
    }

    private static String shardName(Config map, String tensor) {
        String name = map.string(tensor);
        if (name.isEmpty()
                || name.contains("/")
                || name.contains("\\")
                || name.indexOf(0) >= 0
                || name.startsWith(".")) {
            throw map.error(tensor, "is '" + name + "'; wanted the name of a file beside the index");
        }
        return name;
    }

    @Override
    SequencedMap<String, StoredTensor> stored() {
        return Collections.unmodifiableSequencedMap(tensors);
    }

    @Override
    public void close() {
        shards.forEach(Safetensors::close);
        super.close();
    }
}
