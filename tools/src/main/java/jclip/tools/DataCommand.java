package jclip.tools;

import picocli.CommandLine.Command;

@Command(
        name = "data",
        description = "Looks at, packs and learns from sets of pictures with captions.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {DataCheckCommand.class, DataPackCommand.class, DataVocabCommand.class},
        footer = {
            "",
            "SHARDS is a folder of .tar or .tar.gz, a file, a pattern with {000..012}, a .csv or .tsv table, a folder"
                    + " with a folder of pictures for each class, or several of these with :: between.",
            "Example: jclip data check flickr8k/train-{000..007}.tar"
        })
final class DataCommand extends JclipCommand {
    @Override
    public Integer call() {
        throw wrong("Missing required subcommand: check, pack or vocab");
    }
}
