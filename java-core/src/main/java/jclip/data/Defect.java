package jclip.data;

import java.util.Locale;

/** Why a sample cannot be used. */
public enum Defect {
    /** No member or file with a picture. */
    NO_PICTURE,
    /** Neither a caption that is not blank nor a label. */
    NO_CAPTION,
    /** The picture cannot be decoded. */
    BAD_PICTURE,
    /** A caption that is not UTF-8, or JSON that cannot be read. */
    BAD_TEXT,
    /** A label that is no number from 0 on. */
    BAD_LABEL,
    /** A member larger than what is read of its kind. */
    TOO_LARGE,
    /** Two members of one name in one sample. */
    AMBIGUOUS,
    /** The archive ends within the sample. */
    TRUNCATED,
    /** The archive cannot be understood from here on. */
    DAMAGED_ARCHIVE,
    /** The file cannot be read. */
    UNREADABLE;

    /** In words, for people and for keys: {@code no caption}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }
}
