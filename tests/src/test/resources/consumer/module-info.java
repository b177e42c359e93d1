module consumer {
    requires io.jclip;
}
